//! Matches replaced by a text with references, as Go's `ReplaceAllString` does it.
//!
//! `$1`, `${1}`, `$name` and `${name}` stand for what the group matched, `$$` for a dollar. A name
//! is taken as long as it can be: `$1x` is the group `1x`. A group that there is not is empty.

use super::error::PatternError;
use super::{build_engine, dialect};

/// A pattern whose matches can be replaced.
#[derive(Clone, Debug)]
pub struct Replacer(::regex::Regex);

impl Replacer {
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        let tree = dialect::parse_with_captures(pattern)?;
        build_engine(&tree, pattern).map(Replacer)
    }

    /// The text with every match replaced; `None` if it would be longer than `max_bytes`.
    pub fn replace_all(&self, text: &str, by: &str, max_bytes: usize) -> Option<String> {
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for captures in self.0.captures_iter(text) {
            let whole = captures.get(0)?;
            out.push_str(&text[copied..whole.start()]);
            copied = whole.end();
            expand(&mut out, by, &captures);
            if out.len() > max_bytes {
                return None;
            }
        }
        out.push_str(&text[copied..]);
        (out.len() <= max_bytes).then_some(out)
    }
}

fn expand(out: &mut String, by: &str, captures: &::regex::Captures<'_>) {
    let mut rest = by;
    while let Some((before, behind)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(behind) = behind.strip_prefix('$') {
            out.push('$');
            rest = behind;
            continue;
        }
        match reference(behind) {
            Some((name, behind)) => {
                out.push_str(group(captures, name));
                rest = behind;
            }
            None => {
                out.push('$');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
}

/// The name behind a dollar and what follows it; `None` if the dollar stands for itself.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (is_braced, inside) = match text.strip_prefix('{') {
        Some(inside) => (true, inside),
        None => (false, text),
    };
    let is_end = |c: char| !(c == '_' || c.is_alphanumeric());
    let (name, behind) = inside.split_at(inside.find(is_end).unwrap_or(inside.len()));
    if name.is_empty() {
        return None;
    }
    let behind = if is_braced { behind.strip_prefix('}')? } else { behind };
    Some((name, behind))
}

fn group<'t>(captures: &::regex::Captures<'t>, name: &str) -> &'t str {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    let is_padded = name.len() > 1 && name.starts_with('0');
    let found = if is_number && !is_padded {
        name.parse().ok().and_then(|number| captures.get(number))
    } else {
        captures.name(name)
    };
    found.map_or("", |found| found.as_str())
}

#[cfg(test)]
mod tests {
    use super::Replacer;

    fn check(pattern: &str, text: &str, by: &str, expected: &str) {
        let replacer = Replacer::new(pattern).expect("a pattern");
        let replaced = replacer.replace_all(text, by, 1000).expect("it is short");
        assert_eq!(replaced, expected, "{pattern} {text} {by}");
    }

    #[test]
    fn groups_are_referred_to_by_number_and_name() {
        check("(a)(b)", "xabyab", "$2$1", "xbayba");
        check("(?P<one>a)(?<two>b)?", "aab", "[${two}$one]", "[a][ba]");
        check("a", "a-a", "$0$0$1${9}", "aa-aa");
        check("(a)", "a", "$1x$$1${1}x", "$1ax");
        check("(a)", "a", "$ ${ ${1 $-", "$ ${ ${1 $-");
        check("(?:(a)|b)(c)", "ac bc", "<$1$2>", "<ac> <c>");
        check("a(?P<n>.)", "abc", "$01$n", "bc");
    }

    #[test]
    fn greediness_decides_what_matches() {
        check("<(.+)>", "<a><b>", "$1", "a><b");
        check("<(.+?)>", "<a><b>", "$1", "ab");
        check("(?U)<(.+)>", "<a><b>", "$1", "ab");
        check("(?U)<(.+?)>", "<a><b>", "$1", "a><b");
        check("x*", "abc", "-", "-a-b-c-");
        check("b*", "abbc", "-", "-a-c-");
        check("(?i)É", "aéÉ", "e", "aee");
    }

    #[test]
    fn results_are_bounded() {
        let replacer = Replacer::new("a").expect("a pattern");
        assert_eq!(replacer.replace_all("aaaa", "bbb", 11), None);
        assert_eq!(replacer.replace_all("aaaa", "bbb", 12).as_deref(), Some("bbbbbbbbbbbb"));
        assert!(Replacer::new("(").is_err());
    }
}
