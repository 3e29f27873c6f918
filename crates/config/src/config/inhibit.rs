//! `inhibit_rules`: which alerts make others needless.

use std::collections::BTreeMap;

use bellwether_model::matcher::{Matcher, Matchers, valid_label_name};

use super::matchers::{MatcherList, RegexMap, check_names, combined};
use crate::block::{Block, BlockReader, Problem, Visitor};

/// While an alert fits the source, those that fit the target and agree on `equal` are quiet.
/// A side without conditions fits every alert.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InhibitRule {
    /// For logs and events; may be empty.
    pub name: String,
    pub source_match: BTreeMap<String, String>,
    pub source_match_re: BTreeMap<String, Matcher>,
    pub source_matchers: Matchers,
    pub target_match: BTreeMap<String, String>,
    pub target_match_re: BTreeMap<String, Matcher>,
    pub target_matchers: Matchers,
    pub equal: Vec<String>,
}

impl InhibitRule {
    /// The source's conditions of all three spellings together.
    pub fn source_combined(&self) -> Matchers {
        combined(&self.source_match, &self.source_match_re, &self.source_matchers)
    }

    /// The target's conditions of all three spellings together.
    pub fn target_combined(&self) -> Matchers {
        combined(&self.target_match, &self.target_match_re, &self.target_matchers)
    }
}

impl Block for InhibitRule {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("name", &mut self.name);
        v.field("source_match", &mut self.source_match);
        v.field("source_match_re", &mut RegexMap(&mut self.source_match_re));
        v.field("source_matchers", &mut MatcherList(&mut self.source_matchers));
        v.field("target_match", &mut self.target_match);
        v.field("target_match_re", &mut RegexMap(&mut self.target_match_re));
        v.field("target_matchers", &mut MatcherList(&mut self.target_matchers));
        v.field("equal", &mut self.equal);
    }

    fn check(&mut self, reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        check_names("source_match", &self.source_match)?;
        check_names("target_match", &self.target_match)?;
        match self.equal.iter().find(|name| !valid_label_name(name, reader.mode())) {
            Some(name) => {
                Err(Problem::at("equal", format!("invalid label name {name:?} in equal list")))
            }
            None => Ok(()),
        }
    }
}
