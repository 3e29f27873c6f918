//! The receivers: how do they take an attempt to tell them?

use std::time::Duration;

use bellwether_model::{FailureReason, Outcome, Remembered};

use crate::rng::Rng;

/// Chances in a thousand, of one attempt.
#[derive(Clone, Debug, Default)]
pub struct Temper {
    pub fails: u64,
    /// The receiver takes it and answers that it failed.
    pub denies: u64,
    pub refuses: u64,
    pub limits: u64,
    pub hangs: u64,
    /// The receiver takes it, but its answer is lost.
    pub lies: u64,
    /// The receiver takes it, and nothing is ever heard of the attempt.
    pub vanishes: u64,
    /// The receiver takes its time.
    pub slow: u64,
}

/// How one attempt goes.
#[derive(Clone, Debug)]
pub struct Manner {
    pub arrives: bool,
    /// What the courier says, and when; never, if it was lost.
    pub answer: Option<(Answered, Outcome)>,
    /// Whether anything is out of order.
    pub is_trouble: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Answered {
    After(Duration),
    AtTheDeadline,
}

impl Manner {
    pub fn draw(temper: Option<&Temper>, rng: &mut Rng) -> Manner {
        let soon = Answered::After(Duration::from_millis(rng.below(300)));
        let fine = Outcome::Delivered { remember: Remembered::default() };
        let Some(temper) = temper else {
            return Manner { arrives: true, answer: Some((soon, fine)), is_trouble: false };
        };
        let retry = |reason, after| Outcome::Retry { after, reason, detail: String::new() };
        let timeout = || retry(FailureReason::ContextDeadlineExceeded, None);
        let refusal =
            Outcome::Refused { reason: FailureReason::ClientError, detail: String::new() };
        let error = || retry(FailureReason::ServerError, None);
        let (arrives, answer) = if rng.permille(temper.fails) {
            (false, Some((soon, error())))
        } else if rng.permille(temper.denies) {
            (true, Some((soon, error())))
        } else if rng.permille(temper.refuses) {
            (false, Some((soon, refusal)))
        } else if rng.permille(temper.limits) {
            let after = Some(Duration::from_secs(rng.below(100)));
            (false, Some((soon, retry(FailureReason::RateLimited, after))))
        } else if rng.permille(temper.hangs) {
            (false, Some((Answered::AtTheDeadline, timeout())))
        } else if rng.permille(temper.lies) {
            let late = Answered::After(Duration::from_secs(rng.below(20)));
            (true, Some((late, timeout())))
        } else if rng.permille(temper.vanishes) {
            (true, None)
        } else if rng.permille(temper.slow) {
            (true, Some((Answered::After(Duration::from_secs(rng.below(50))), fine)))
        } else {
            return Manner { arrives: true, answer: Some((soon, fine)), is_trouble: false };
        };
        Manner { arrives, answer, is_trouble: true }
    }
}
