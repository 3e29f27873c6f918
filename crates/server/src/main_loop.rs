//! The one task that owns the engine, and through which everything passes.
//!
//! In: [`ServerEvent`]s from four senders: commands of clients, reads, events of peers, and internal events
//! (outcomes, answers of the journal, a new configuration, the end). Out: answers, attempts to notify, views.
//! Each event is one turn of the engine with one reading of the clocks; what follows from a turn
//! goes through the [`Outbox`], so that nothing is revealed before it is durable.
//!
//! The senders differ in who waits. Commands and peers wait in a bounded queue, and for the journal if it is
//! behind. Reads wait only for their turn. Internal events never wait: there is at most one per attempt
//! under way and one per commit, and the loop needs them to go on.

mod clients;
mod journal_watch;
mod peers;
mod replies;

use std::sync::Arc;
use std::time::Duration;

use crate::attempts::{Attempts, Notifiers, ReportOutcome};
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::notes::{self, SilenceLog};
use crate::outbox::{Durability, Outbox, Released};
use crate::rendering::Rendering;
use bellwether_engine::{Attempt, DeliveryId, Effect, Engine, Input, Note, Plan, Turn, View};
use bellwether_journal::{Answer, Change, Entry, Writer};
use bellwether_model::Outcome;
pub use journal_watch::{JournalWatch, StoreCondition};
use peers::Message;
pub use peers::{Peers, listen};
pub use replies::{Command, ReplySender, Unsaved};
use replies::{PendingReply, WaitingCallers};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// Limit: commands that wait for their turn; further clients wait in their connections.
pub const COMMANDS_MAX: usize = 256;
/// Limit: reads that wait for their turn.
pub const READS_MAX: usize = 1024;
/// Limit: events of the mesh that wait for their turn; the mesh drops and counts further ones.
pub const PEER_EVENTS_MAX: usize = 1024;
/// How long attempts in flight may go on after the request to stop.
pub const STOP_GRACE: Duration = Duration::from_secs(5);

/// Every input of the loop but the passing of time.
pub enum ServerEvent {
    Command(Command),
    Read {
        reply: oneshot::Sender<View>,
    },
    Outcome {
        delivery: DeliveryId,
        outcome: Outcome,
    },
    Journal(Answer),
    Peer(bellwether_mesh::MeshEvent),
    /// The mesh has started.
    Join(Peers),
    Plan {
        plan: Arc<Plan>,
        notifiers: Notifiers,
        applied: oneshot::Sender<()>,
    },
    Stop,
}

/// The ends of the four senders that others hold.
#[derive(Clone)]
pub struct EventSenders {
    pub commands: mpsc::Sender<ServerEvent>,
    pub reads: mpsc::Sender<ServerEvent>,
    pub peers: mpsc::Sender<ServerEvent>,
    pub internal: mpsc::UnboundedSender<ServerEvent>,
}

/// The receiving ends, which the loop owns.
pub struct EventReceivers {
    commands: mpsc::Receiver<ServerEvent>,
    reads: mpsc::Receiver<ServerEvent>,
    peers: mpsc::Receiver<ServerEvent>,
    internal: mpsc::UnboundedReceiver<ServerEvent>,
}

/// The task; see [`MainLoop::run`].
pub struct MainLoop {
    engine: Engine,
    clock: Clock,
    metrics: Arc<Metrics>,
    silence_log: SilenceLog,
    journal_watch: JournalWatch,
    /// What the journal holds beside the engine's records.
    other_entries: Arc<[Entry]>,
    unsaved: Unsaved,
    /// Reused from turn to turn.
    turn: Turn,
    outbox: Outbox<Vec<Action>>,
    attempts: Attempts,
    waiting: WaitingCallers,
    /// The newest view, with the generation that it shows.
    view: Option<(u64, View)>,
    stop_at: Option<Instant>,
    attempts_open: usize,
    peers: Option<Peers>,
}

/// What to do once the records that it depends on are on disk.
enum Action {
    Reply(PendingReply),
    Attempt(Attempt),
    SendView { reply: oneshot::Sender<View>, view: View },
    SendToPeers(Message),
}

/// What the loop is assembled from.
pub struct Parts {
    pub engine: Engine,
    pub writer: Writer,
    pub notifiers: Notifiers,
    pub rendering: Rendering,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub silence_log: SilenceLog,
    pub journal_watch: JournalWatch,
    pub other_entries: Arc<[Entry]>,
    pub unsaved: Unsaved,
    /// The effects of the restore.
    pub first_turn: Turn,
}

/// Both ends of the senders.
pub fn event_channels() -> (EventSenders, EventReceivers) {
    let (commands, commands_in) = mpsc::channel(COMMANDS_MAX);
    let (reads, reads_in) = mpsc::channel(READS_MAX);
    let (peers, peers_in) = mpsc::channel(PEER_EVENTS_MAX);
    let (internal, internal_in) = mpsc::unbounded_channel();
    (
        EventSenders { commands, reads, peers, internal },
        EventReceivers {
            commands: commands_in,
            reads: reads_in,
            peers: peers_in,
            internal: internal_in,
        },
    )
}

impl MainLoop {
    pub fn new(parts: Parts, senders: &EventSenders) -> Self {
        let outcomes = senders.internal.clone();
        let report: ReportOutcome = Arc::new(move |delivery, outcome| {
            // It fails only once the server has stopped.
            let _ = outcomes.send(ServerEvent::Outcome { delivery, outcome });
        });
        let Parts {
            engine,
            writer,
            notifiers,
            rendering,
            clock,
            metrics,
            silence_log,
            journal_watch,
            other_entries,
            unsaved,
            first_turn,
        } = parts;
        let attempts =
            Attempts::new(notifiers, rendering, report, clock.clone(), Arc::clone(&metrics));
        MainLoop {
            attempts,
            outbox: Outbox::new(writer),
            turn: first_turn,
            engine,
            clock,
            metrics,
            silence_log,
            journal_watch,
            other_entries,
            unsaved,
            waiting: WaitingCallers::default(),
            view: None,
            stop_at: None,
            attempts_open: 0,
            peers: None,
        }
    }

    /// Runs until it receives the request to stop, and attempts have ended or timed out.
    ///
    /// When this returns, the journal has synced all that it was given.
    pub async fn run(mut self, mut receivers: EventReceivers) {
        self.report_journal();
        self.finish_turn();
        loop {
            let wake_up = self.wake_up();
            tokio::select! {
                biased;
                Some(event) = receivers.internal.recv() => self.take(event),
                Some(event) = receivers.reads.recv() => self.take(event),
                Some(event) = receivers.peers.recv(), if !self.outbox.is_full() => self.take(event),
                Some(event) = receivers.commands.recv(), if !self.outbox.is_full() => self.take(event),
                () = sleep_until(wake_up) => self.tick(),
            }
            if self.has_stopped() {
                break;
            }
        }
        if self.outbox.failure().is_some() {
            // The last chance: what was notified since would be notified again.
            self.begin_journal_anew();
        }
        // Its last sync may block.
        let outbox = self.outbox;
        let closed = tokio::task::spawn_blocking(move || outbox.close()).await;
        self.journal_watch.closed(&closed.expect("closing the journal does not panic"));
    }

    fn take(&mut self, event: ServerEvent) {
        match event {
            ServerEvent::Command(command) => self.take_command(command),
            ServerEvent::Read { reply } => self.show(reply),
            ServerEvent::Outcome { delivery, outcome } => {
                self.attempts_open = self.attempts_open.saturating_sub(1);
                self.handle(Input::Outcome { delivery, outcome });
            }
            ServerEvent::Journal(Answer::Durable(durable)) => {
                let released = self.outbox.answer(durable);
                self.report_journal();
                self.perform(released);
            }
            ServerEvent::Journal(Answer::LiveWanted) => self.begin_journal_anew(),
            ServerEvent::Peer(event) => self.take_from_mesh(event),
            ServerEvent::Join(peers) => self.peers = Some(peers),
            ServerEvent::Plan { plan, notifiers, applied } => {
                if let Some(peers) = &mut self.peers {
                    peers.set_config(plan.keys_hash());
                }
                self.attempts.replace(notifiers);
                self.handle(Input::Plan(plan));
                // The client may have gone away.
                let _ = applied.send(());
            }
            ServerEvent::Stop => self.stop_at = Some(Instant::now() + STOP_GRACE),
        }
    }

    fn take_command(&mut self, command: Command) {
        let command = match (self.outbox.failure(), self.unsaved) {
            (Some(_), Unsaved::Refused) => command.refuse_silences(),
            (Some(_), Unsaved::Taken) | (None, _) => Some(command),
        };
        match command {
            None => {}
            Some(Command::Alerts { alerts, refused, reply }) => {
                let count = alerts.len();
                let ticket = self.waiting.add_alerts(count, reply);
                let begun = std::time::Instant::now();
                self.handle(Input::Alerts { alerts, refused, ticket });
                let seconds = begun.elapsed().as_secs_f64();
                self.metrics.processing_seconds.observe_all(count as u64, seconds);
            }
            Some(Command::PostSilence { silence, reply }) => {
                let ticket = self.waiting.add_posted_silence(reply);
                self.handle(Input::PostSilence { silence, ticket });
            }
            Some(Command::ExpireSilence { id, reply }) => {
                let ticket = self.waiting.add_expired_silence(reply);
                self.handle(Input::ExpireSilence { id, ticket });
            }
        }
    }

    fn tick(&mut self) {
        if self.stop_at.is_none() {
            self.handle(Input::Tick);
        }
    }

    /// One turn.
    fn handle(&mut self, input: Input) {
        // A view that is kept alive would make the engine copy what it changes.
        self.view = None;
        self.engine.handle(self.clock.now(), input, &mut self.turn);
        self.finish_turn();
    }

    /// Passes on the notes, records and effects of the turn, and leaves it empty.
    fn finish_turn(&mut self) {
        for note in self.turn.notes.drain(..) {
            if let Note::ClockCorrected { by_seconds, .. } = note {
                self.clock.correct(by_seconds);
            }
            notes::record(&note, &self.metrics, self.silence_log);
        }
        let changes: Vec<Change> = self.turn.keep.drain(..).map(|record| change(&record)).collect();
        let mut actions = Vec::with_capacity(self.turn.after.len());
        for effect in self.turn.after.drain(..) {
            match effect {
                Effect::Attempt(attempt) => actions.push(Action::Attempt(attempt)),
                Effect::Reply(reply) => actions.push(Action::Reply(self.waiting.take(reply))),
                effect @ (Effect::Broadcast { .. }
                | Effect::Forward { .. }
                | Effect::CheckLiveness { .. }
                | Effect::SendStatus { .. }) => {
                    actions.extend(Message::of(effect).map(Action::SendToPeers))
                }
            }
        }
        let released = self.outbox.put(changes, actions);
        self.metrics.journal_records_refused.add(self.outbox.take_oversized());
        self.perform(released);
    }

    /// Gives the journal everything that is live.
    fn begin_journal_anew(&mut self) {
        let records = self.engine.live_records(self.clock.now()).into_records();
        let entries = records.filter_map(|record| {
            let (key, value) = record.encode();
            Some(Entry { key: key.into(), value: value?.into() })
        });
        let others = Arc::clone(&self.other_entries);
        let others = (0..others.len()).filter_map(move |at| others.get(at).cloned());
        self.outbox.begin_anew(Box::new(entries.chain(others)));
    }

    fn show(&mut self, reply: oneshot::Sender<View>) {
        self.report_journal();
        let generation = self.engine.generation();
        let view = match &self.view {
            Some((held, view)) if *held == generation => view.clone(),
            _ => self.engine.view(),
        };
        self.view = Some((generation, view.clone()));
        let released = self.outbox.put(Vec::new(), vec![Action::SendView { reply, view }]);
        self.perform(released);
    }

    fn perform(&mut self, released: Released<Vec<Action>>) {
        for (actions, durability) in released {
            for action in actions {
                self.perform_one(action, durability);
            }
        }
    }

    /// A client that has gone away meanwhile is not an error.
    fn perform_one(&mut self, action: Action, durability: Durability) {
        match action {
            Action::Attempt(attempt) => {
                // After the request to stop, further attempts are left to the next start.
                if self.stop_at.is_none() {
                    self.attempts_open += 1;
                    self.attempts.begin(attempt);
                }
            }
            Action::SendToPeers(message) => {
                if let Some(peers) = &self.peers {
                    peers.send(message);
                }
            }
            Action::SendView { reply, view } => {
                let _ = reply.send(view);
            }
            Action::Reply(reply) => {
                let sent = reply.send(durability, self.unsaved, &self.metrics);
                if let Some((token, state)) = sent {
                    self.send_full_state(token, state);
                }
            }
        }
    }

    fn report_journal(&mut self) {
        let failure = self.outbox.failure().cloned();
        self.journal_watch.look(&self.outbox.health(), failure.as_deref(), &self.metrics);
    }

    fn wake_up(&self) -> Instant {
        let far = Instant::now() + Duration::from_secs(3600);
        let engine = self.engine.next_wakeup().map(|at| Instant::from_std(self.clock.instant(at)));
        self.stop_at.or(engine).unwrap_or(far).min(far)
    }

    fn has_stopped(&self) -> bool {
        self.stop_at.is_some_and(|at| self.attempts_open == 0 || Instant::now() >= at)
    }
}

fn change(record: &bellwether_engine::Record) -> Change {
    let (key, value) = record.encode();
    Change { key: key.into(), value: value.map(Vec::into_boxed_slice) }
}

#[cfg(test)]
mod tests;
