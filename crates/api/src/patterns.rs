//! Compiles the patterns of requests, within limits.
//!
//! In: what reads the matchers of a request, which asks for patterns on its way. Out: its result, or the
//! refusal of a request whose patterns are too large together.
//!
//! To compile a pattern of a few bytes may take seconds and gigabytes. So patterns that need more than a
//! comparison of texts are compiled outside the threads that serve connections, for one request at a
//! time, and those that were used last are remembered: what a dashboard asks for again and again is
//! compiled once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwether_model::matcher::Compile;
use bellwether_model::regex::{Pattern, PatternDraft, PatternError};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// What all requests share.
#[derive(Clone)]
pub(crate) struct Patterns {
    known: Arc<Mutex<Known>>,
    /// Limit: one request compiles at a time.
    turn: Arc<Semaphore>,
}

/// The patterns that were used last, by their texts.
#[derive(Default)]
struct Known {
    patterns: HashMap<Box<str>, Entry>,
    /// The sum of what they cost.
    cost: u64,
    uses: u64,
}

struct Entry {
    pattern: Pattern,
    cost: u64,
    /// The number of the use that was the last.
    last_use: u64,
}

/// How far a request may go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// Only what is known, or needs no compiling.
    None,
    /// Up to [`REQUEST_COST_MAX`].
    Limited,
}

/// The patterns of one request.
struct Compiler<'a> {
    known: &'a Mutex<Known>,
    effort: Effort,
    cost_left: u64,
    /// Patterns too large to be remembered: a text may be asked for twice.
    own: Vec<Pattern>,
    /// Whether one was refused because it needs more effort.
    needs_more: bool,
    /// Whether one was refused for the limit of the request.
    is_over_limit: bool,
}

/// What was read, and whether a pattern was refused for the limit of the request.
pub(crate) struct Compiled<T> {
    pub value: T,
    pub is_over_limit: bool,
}

/// The turn of a request to compile did not come in time.
#[derive(Debug)]
pub(crate) struct Busy;

impl Patterns {
    pub fn new() -> Self {
        Patterns { known: Arc::default(), turn: Arc::new(Semaphore::new(1)) }
    }

    /// Runs `read`, which compiles patterns by what it is given; it may be run twice.
    ///
    /// # Errors
    /// If it does not get its turn in time.
    pub async fn compile<T: Send + 'static>(
        &self,
        read: impl Fn(Compile<'_>) -> T + Send + 'static,
    ) -> Result<Compiled<T>, Busy> {
        let mut compiler = Compiler::new(&self.known, Effort::None);
        let value = read(&mut |text: &str| compiler.pattern(text));
        if !compiler.needs_more {
            return Ok(Compiled { value, is_over_limit: false });
        }
        drop(value);
        let turn = timeout(TURN_MAX, Arc::clone(&self.turn).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(Busy) };
        let known = Arc::clone(&self.known);
        let compiled = tokio::task::spawn_blocking(move || {
            let mut compiler = Compiler::new(&known, Effort::Limited);
            let value = read(&mut |text: &str| compiler.pattern(text));
            let is_over_limit = compiler.is_over_limit;
            drop(turn);
            Compiled { value, is_over_limit }
        });
        // It fails only if it panics, which is reported by itself.
        compiled.await.map_err(|_| Busy)
    }
}

impl<'a> Compiler<'a> {
    fn new(known: &'a Mutex<Known>, effort: Effort) -> Self {
        Compiler {
            known,
            effort,
            cost_left: REQUEST_COST_MAX,
            own: Vec::new(),
            needs_more: false,
            is_over_limit: false,
        }
    }

    fn pattern(&mut self, text: &str) -> Result<Pattern, PatternError> {
        let own = self.own.iter().find(|own| own.as_str() == text).cloned();
        if let Some(known) = own.or_else(|| lock(self.known).find(text)) {
            return Ok(known);
        }
        if self.effort == Effort::None && text.len() > INLINE_BYTES_MAX {
            return self.later(text);
        }
        let draft = PatternDraft::anchored(text)?;
        if draft.is_plain() {
            return draft.compile();
        }
        if self.effort == Effort::None {
            return self.later(text);
        }
        let cost = draft.cost();
        self.cost_left = match self.cost_left.checked_sub(cost) {
            Some(left) => left,
            // A pattern that is too large by itself is refused in Go's words.
            None if cost > REQUEST_COST_MAX => return draft.compile(),
            None => {
                self.is_over_limit = true;
                return Err(PatternError::all_too_large(text));
            }
        };
        let pattern = draft.compile()?;
        if cost <= KNOWN_COST_MAX / 8 {
            lock(self.known).add(text, pattern.clone(), cost);
        } else {
            self.own.push(pattern.clone());
        }
        Ok(pattern)
    }

    /// The error is never seen.
    fn later(&mut self, text: &str) -> Result<Pattern, PatternError> {
        self.needs_more = true;
        Err(PatternError::all_too_large(text))
    }
}

impl Known {
    fn find(&mut self, text: &str) -> Option<Pattern> {
        self.uses += 1;
        let entry = self.patterns.get_mut(text)?;
        entry.last_use = self.uses;
        Some(entry.pattern.clone())
    }

    fn add(&mut self, text: &str, pattern: Pattern, cost: u64) {
        let cost = cost + text.len() as u64;
        while self.cost + cost > KNOWN_COST_MAX || self.patterns.len() >= KNOWN_MAX {
            let oldest = self.patterns.iter().min_by_key(|(_, entry)| entry.last_use);
            let Some(oldest) = oldest.map(|(text, _)| text.clone()) else { return };
            if let Some(entry) = self.patterns.remove(&oldest) {
                self.cost -= entry.cost;
            }
        }
        self.uses += 1;
        let entry = Entry { pattern, cost, last_use: self.uses };
        if let Some(before) = self.patterns.insert(text.into(), entry) {
            self.cost -= before.cost;
        }
        self.cost += cost;
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Limit: cost of all patterns of one request, which is the most that one pattern may cost.
const REQUEST_COST_MAX: u64 = 32 << 20;
/// Limit: cost of all patterns that are remembered.
const KNOWN_COST_MAX: u64 = 32 << 20;
/// Limit: patterns that are remembered.
const KNOWN_MAX: usize = 1000;
/// Longer patterns are not even read on a thread that serves connections.
const INLINE_BYTES_MAX: usize = 16 * 1024;
/// Limit: how long a request waits for its turn to compile.
const TURN_MAX: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use bellwether_model::regex::{Pattern, PatternError};

    use super::{KNOWN_MAX, Patterns, lock};

    async fn compile(patterns: &Patterns, texts: &[String]) -> Result<Vec<Pattern>, PatternError> {
        let texts = texts.to_vec();
        let read = move |compile: bellwether_model::matcher::Compile<'_>| {
            texts.iter().map(|text| compile(text)).collect()
        };
        patterns.compile(read).await.unwrap().value
    }

    #[tokio::test]
    async fn the_patterns_of_a_request_have_a_limit_together() {
        let patterns = Patterns::new();
        let different: Vec<_> = (0..50).map(|number| format!(r"\pL{{150}}{number}")).collect();
        let refused = compile(&patterns, &different).await.unwrap_err().to_string();
        let expected =
            r"error parsing regexp: expressions of this request too large together: `\pL{";
        assert!(refused.starts_with(expected), "{refused}");
        assert!(compile(&patterns, &different[..3]).await.is_ok());
        let same = vec![different[0].clone(); 128];
        assert_eq!(compile(&patterns, &same).await.unwrap().len(), 128);
        let usual: Vec<_> = (0..128).map(|number| format!("node{number}-.*:[0-9]+")).collect();
        assert!(compile(&patterns, &usual).await.is_ok());
    }

    #[tokio::test]
    async fn the_patterns_that_were_used_last_are_remembered() {
        let patterns = Patterns::new();
        let kept = ["kept.+x".to_owned()];
        compile(&patterns, &kept).await.unwrap();
        for number in 0..KNOWN_MAX + 10 {
            compile(&patterns, &[format!("a{number}.+x")]).await.unwrap();
            compile(&patterns, &kept).await.unwrap();
        }
        let known = lock(&patterns.known);
        assert_eq!(known.patterns.len(), KNOWN_MAX);
        assert!(known.patterns.contains_key("kept.+x") && !known.patterns.contains_key("a0.+x"));
        assert_eq!(known.cost, known.patterns.values().map(|entry| entry.cost).sum::<u64>());
    }

    #[tokio::test]
    async fn plain_patterns_and_errors_need_no_turn() {
        let patterns = Patterns::new();
        let _taken = patterns.turn.acquire().await.unwrap();
        assert!(compile(&patterns, &["a|b".to_owned(), "a.*".to_owned()]).await.is_ok());
        assert!(compile(&patterns, &["(".to_owned()]).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_does_not_get_its_turn_is_refused() {
        let patterns = Patterns::new();
        let _taken = patterns.turn.acquire().await.unwrap();
        let read = |compile: bellwether_model::matcher::Compile<'_>| compile("a.+b").is_ok();
        assert!(patterns.compile(read).await.is_err());
    }
}
