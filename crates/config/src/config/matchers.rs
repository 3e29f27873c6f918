//! The three spellings of conditions on labels: `match`, `match_re`, and `matchers`.
//!
//! The older two are maps; a regular expression of theirs is kept with its anchors, since that text
//! is part of route keys. The newer one is a list of texts, each of which may hold several
//! conditions.

use std::collections::BTreeMap;

use bellwether_model::matcher::{Matcher, Matchers, Op, parse_matchers, valid_classic_label_name};

use crate::block::{BlockReader, FieldValue, Problem};
use crate::yaml::{NodeId, Tree};

/// All conditions of the three spellings, in their canonical order.
pub(super) fn combined(
    equal: &BTreeMap<String, String>,
    regex: &BTreeMap<String, Matcher>,
    matchers: &Matchers,
) -> Matchers {
    let equal = equal.iter().map(|(name, value)| {
        Matcher::new(name.as_str(), Op::Equal, value.as_str())
            .expect("a comparison has no pattern that could be wrong")
    });
    Matchers::new(equal.chain(regex.values().cloned()).chain(matchers.iter().cloned()).collect())
}

/// The names of the older spellings must be classic ones in every mode.
pub(super) fn check_names(
    field: &'static str,
    map: &BTreeMap<String, String>,
) -> Result<(), Problem> {
    match map.keys().find(|name| !valid_classic_label_name(name)) {
        Some(name) => Err(Problem::at(field, format!("invalid label name {name:?}"))),
        None => Ok(()),
    }
}

/// A list of texts.
pub(super) struct MatcherList<'a>(pub &'a mut Matchers);

impl FieldValue for MatcherList<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        let mut lines: Vec<String> = Vec::new();
        lines.decode(reader, node);
        let items = reader.items_or_none(node);
        let mut all = Vec::new();
        for (index, (line, item)) in lines.iter().zip(items).enumerate() {
            reader.within(&format!("[{index}]"), |reader| {
                match parse_matchers(line, reader.mode()) {
                    Ok(parsed) => {
                        all.extend(parsed.value);
                        if let Some(warning) = parsed.warning {
                            reader.warn(*item, &warning);
                        }
                    }
                    Err(error) => reader.error(*item, &error.to_string()),
                }
            });
        }
        *self.0 = Matchers::new(all);
    }

    fn clear(&mut self) {
        *self.0 = Matchers::default();
    }

    fn is_empty(&mut self) -> bool {
        self.0.is_empty()
    }

    fn tree(&mut self) -> Tree {
        Tree::List(self.0.iter().map(|matcher| Tree::text(&matcher.to_string())).collect())
    }
}

/// A map of regular expressions.
pub(super) struct RegexMap<'a>(pub &'a mut BTreeMap<String, Matcher>);

impl FieldValue for RegexMap<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        let mut texts: BTreeMap<String, Option<String>> = BTreeMap::new();
        texts.decode(reader, node);
        self.0.clear();
        for (name, text) in texts {
            match compile(&name, text.as_deref()) {
                Ok(matcher) => {
                    self.0.insert(name, matcher);
                }
                Err(message) => reader.within(&name, |reader| {
                    reader.refuse(Problem::here(message));
                }),
            }
        }
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    fn is_empty(&mut self) -> bool {
        self.0.is_empty()
    }

    fn tree(&mut self) -> Tree {
        Tree::sorted_map(self.0.iter().map(|(name, matcher)| {
            let source = matcher
                .value
                .strip_prefix(ANCHOR_START)
                .and_then(|rest| rest.strip_suffix(ANCHOR_END))
                .unwrap_or(&matcher.value);
            (Tree::text(name), Tree::text(source))
        }))
    }
}

fn compile(name: &str, text: Option<&str>) -> Result<Matcher, String> {
    if !valid_classic_label_name(name) {
        return Err(format!("invalid label name {name:?}"));
    }
    let text = text.ok_or_else(|| format!("invalid regexp value for {name:?}"))?;
    let anchored = format!("{ANCHOR_START}{text}{ANCHOR_END}");
    Matcher::new(name, Op::Matches, anchored.as_str()).map_err(|error| error.to_string())
}

const ANCHOR_START: &str = "^(?:";
const ANCHOR_END: &str = ")$";
