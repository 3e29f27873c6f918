//! The blocks of the file, top down.

mod event_recorder;
mod global;
mod inhibit;
mod intervals;
mod matchers;
mod receiver;
mod route;
mod tracing;

pub use event_recorder::{EventRecorder, FileOutput, KafkaOutput, StdoutOutput, WebhookOutput};
pub use global::Global;
pub use inhibit::InhibitRule;
pub use intervals::NamedIntervals;
pub use receiver::Receiver;
pub use route::{GroupBy, Route};
pub use tracing::{Tracing, TracingClient};

use crate::block::{Block, BlockReader, FieldValue, Problem, Visitor};
use crate::yaml::{NodeId, Tree};
use intervals::Named;

/// A whole file. From [`crate::parse`]: every name that is used is defined, and every integration
/// has what it needs, from its own block or from `global`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    pub global: Global,
    pub route: Route,
    pub inhibit_rules: Vec<InhibitRule>,
    pub receivers: Vec<Receiver>,
    /// Globs.
    pub templates: Vec<String>,
    /// The older spelling of `time_intervals`; both share their names.
    pub mute_time_intervals: Vec<NamedIntervals>,
    pub time_intervals: Vec<NamedIntervals>,
    pub tracing: Option<Tracing>,
    pub event_recorder: Option<EventRecorder>,
}

impl Block for Config {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("global", &mut OrDefault(&mut self.global));
        v.field("route", &mut self.route);
        v.field("inhibit_rules", &mut self.inhibit_rules);
        v.field("receivers", &mut self.receivers);
        v.shown("templates", &mut self.templates);
        v.field("mute_time_intervals", &mut Named::muting(&mut self.mute_time_intervals));
        v.field("time_intervals", &mut Named::plain(&mut self.time_intervals));
        v.field("tracing", &mut self.tracing);
        v.field("event_recorder", &mut self.event_recorder);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        // A recorder without outputs records nothing.
        self.event_recorder.take_if(|recorder| *recorder == EventRecorder::default());
        Ok(())
    }
}

impl Config {
    /// Both lists of named intervals, in the order in which names are looked up.
    pub fn named_intervals(&self) -> impl Iterator<Item = &NamedIntervals> {
        self.mute_time_intervals.iter().chain(&self.time_intervals)
    }
}

/// The global block, which exists with its defaults even where it is null.
struct OrDefault<'a>(&'a mut Global);

impl FieldValue for OrDefault<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        self.0.decode(reader, node);
    }

    fn clear(&mut self) {
        *self.0 = Global::default();
    }

    fn is_empty(&mut self) -> bool {
        false
    }

    fn tree(&mut self) -> Tree {
        self.0.tree()
    }
}
