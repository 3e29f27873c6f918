//! The one task that owns the cluster machine.
//!
//! It handles one thing after the other: datagrams, whole messages of streams, commands of the server,
//! and the passing of time. It calls the machine and performs its outputs without ever blocking:
//! datagrams are sent or lost, everything else is done by tasks that report back with an [`Input`]. A
//! server that does not take its events only loses them.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bellwether_memberlist::cluster::{
    self, Cluster, Input, OutboundId, Output, StreamFailure, StreamOutcome, StreamPayload,
};
use bellwether_memberlist::{Address, InboundId, Label, Mono};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::advertise::{self, Origin};
use crate::handle::{Command, Handle, MeshEvent, Report};
use crate::note::MeshNote;
use crate::resolve::resolve;
use crate::settings::MeshSettings;
use crate::streams::{self, OutboundStream, Received};
use crate::transport::{
    Dialer, InboundDatagram, InboundReceivers, InboundStream, Meter, Reach, Started, Transport,
};

/// The cluster machine with sockets.
pub struct Mesh {
    cluster: Cluster,
    transport: Transport,
    dialer: Dialer,
    meter: Arc<Meter>,
    label: Label,
    stream_timeout: Duration,
    resolve_timeout: Duration,
    /// The zero of the machine's clock.
    began: Instant,

    /// Inbound streams that wait for a reply.
    replies: BTreeMap<InboundId, oneshot::Sender<StreamPayload>>,
    last_inbound: u64,
    opened: usize,
    /// For the results of tasks.
    reports: mpsc::Sender<Finished>,
    tasks: JoinSet<()>,

    /// Events that the server has not taken yet.
    outbox: VecDeque<MeshEvent>,
    events_dropped: u64,
    commands_dropped: Arc<AtomicU64>,
    status: watch::Sender<Arc<cluster::Status>>,
    leaving: Vec<oneshot::Sender<()>>,
    has_left: bool,
    /// Reused between turns.
    turn: Vec<Output>,
}

/// Why the mesh cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("cannot listen for the cluster on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
}

/// The result of a task.
enum Finished {
    Opened { stream: OutboundId, to: SocketAddr, outcome: StreamOutcome, error: Option<String> },
    Heard { from: SocketAddr, received: Received, answer: oneshot::Sender<StreamPayload> },
    Resolved { name: String, found: Result<Vec<SocketAddr>, String> },
    Note(MeshNote),
}

impl Mesh {
    /// Listens, chooses the advertised address, and begins to join. The mesh runs in the background
    /// until all handles are dropped.
    pub async fn start(
        settings: MeshSettings,
    ) -> Result<(Handle, mpsc::Receiver<MeshEvent>), StartError> {
        let mut tasks = JoinSet::new();
        let address = settings.listen;
        let Started { mut transport, inbound, bound, meter } =
            Transport::start(address, &settings.security, settings.state_bytes_max, &mut tasks)
                .await
                .map_err(|source| StartError::Listen { address, source })?;
        let mut notes = Vec::new();
        let advertised = advertised_address(&settings, bound, &mut notes);
        transport.advertise(advertised);

        let MeshSettings { mut cluster, resolve_timeout, seed, .. } = settings;
        cluster.machine.address = Address::new(advertised.ip(), advertised.port());
        let label = cluster.machine.label.clone();
        let stream_timeout = cluster.machine.stream_timeout;
        let mut turn = Vec::new();
        let cluster = Cluster::new(Mono::default(), cluster, seed, &mut turn);

        let (commands, commands_in) = mpsc::channel(COMMANDS_WAITING_MAX);
        let (events_out, events) = mpsc::channel(EVENTS_WAITING_MAX);
        let (reports, reports_in) = mpsc::channel(REPORTS_WAITING_MAX);
        let (status, watched) = watch::channel(Arc::new(cluster.status()));
        let commands_dropped = Arc::new(AtomicU64::new(0));
        let mut mesh = Self {
            dialer: transport.dialer(),
            cluster,
            transport,
            meter,
            label,
            stream_timeout,
            resolve_timeout,
            began: Instant::now(),
            replies: BTreeMap::new(),
            last_inbound: 0,
            opened: 0,
            reports,
            tasks,
            outbox: notes.into_iter().map(MeshEvent::Note).collect(),
            events_dropped: 0,
            commands_dropped: commands_dropped.clone(),
            status,
            leaving: Vec::new(),
            has_left: false,
            turn,
        };
        mesh.perform();
        tokio::spawn(mesh.run(inbound, commands_in, reports_in, events_out));
        let handle = Handle { commands, status: watched, bound, dropped: commands_dropped };
        Ok((handle, events))
    }

    async fn run(
        mut self,
        mut inbound: InboundReceivers,
        mut commands: mpsc::Receiver<Command>,
        mut reports: mpsc::Receiver<Finished>,
        events: mpsc::Sender<MeshEvent>,
    ) {
        loop {
            let wakeup = self.wakeup();
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.handle_command(command),
                    None => return,
                },
                Some(InboundDatagram { from, source, bytes }) = inbound.datagrams.recv() => {
                    self.handle(Input::Datagram { from: address(from), source, bytes });
                }
                Some(report) = reports.recv() => self.handle_finished(report),
                Some(stream) = inbound.streams.recv() => self.accept_stream(stream),
                Some(to) = inbound.unreachable.recv() => {
                    self.handle(Input::Unreachable { to: address(to) });
                }
                Some(note) = inbound.notes.recv() => self.take_note(note),
                room = events.reserve(), if !self.outbox.is_empty() => match room {
                    Ok(room) => {
                        if let Some(event) = self.outbox.pop_front() {
                            room.send(event);
                        }
                    }
                    // The server takes no events any longer; peers are still answered.
                    Err(_) => self.outbox.clear(),
                },
                () = tokio::time::sleep_until(wakeup) => self.handle(Input::Tick),
            }
            while self.tasks.try_join_next().is_some() {}
        }
    }

    /// One turn of the machine.
    fn handle(&mut self, input: Input) {
        let now = self.now();
        self.cluster.handle(now, input, &mut self.turn);
        self.perform();
    }

    /// Performs the outputs of the machine, and those that follow from unreachable addresses.
    fn perform(&mut self) {
        let mut outputs = std::mem::take(&mut self.turn);
        while !outputs.is_empty() {
            let mut unreachable = Vec::new();
            let mut changed = false;
            for output in outputs.drain(..) {
                changed |= matches!(
                    output,
                    Output::MembersChanged | Output::Settled { .. } | Output::Note(_)
                );
                unreachable.extend(self.perform_one(output));
            }
            if changed {
                self.status.send_replace(Arc::new(self.cluster.status()));
            }
            let now = self.now();
            for to in unreachable {
                self.cluster.handle(now, Input::Unreachable { to }, &mut outputs);
            }
        }
        self.turn = outputs;
    }

    /// Returns the address of a datagram that is known not to arrive.
    fn perform_one(&mut self, output: Output) -> Option<Address> {
        match output {
            Output::SendDatagram { to, bytes } => {
                match self.transport.send(socket(to), bytes, &mut self.tasks) {
                    Reach::Unknown => {}
                    Reach::Unreachable => return Some(to),
                }
            }
            Output::Open { stream, to, payload, reply_wanted, deadline } => {
                let deadline = self.began + Duration::from_nanos(deadline.0);
                let (label, dialer) = (self.label.clone(), self.dialer.clone());
                let to = socket(to);
                self.open(
                    stream,
                    OutboundStream { to, payload, reply_wanted, deadline, label, dialer },
                );
            }
            Output::Reply { stream, payload } => {
                if let Some(answer) = self.replies.remove(&stream) {
                    // The peer may have closed the stream.
                    let _ = answer.send(payload);
                }
            }
            Output::Close { stream } => drop(self.replies.remove(&stream)),
            Output::Resolve { name } => self.look_up(name),
            Output::StateRequested { token } => self.emit(MeshEvent::StateRequested { token }),
            Output::Received { key, data, from, via } => {
                self.emit(MeshEvent::Received { key, data, from, via });
            }
            Output::PeerAlive { peer } => self.emit(MeshEvent::PeerAlive { peer }),
            Output::Settled { timed_out } => self.emit(MeshEvent::Settled { timed_out }),
            Output::MembersChanged => self.emit(MeshEvent::MembersChanged),
            Output::Left => {
                self.has_left = true;
                for waiting in self.leaving.drain(..) {
                    // The caller may have timed out.
                    let _ = waiting.send(());
                }
            }
            Output::Note(note) => self.emit(MeshEvent::Note(MeshNote::Cluster(note))),
        }
        None
    }

    fn handle_command(&mut self, command: Command) {
        match command {
            Command::Broadcast { key, data } => self.handle(Input::Broadcast { key, data }),
            Command::SendToPeer { peer, key, data, via } => {
                self.handle(Input::SendToPeer { peer, key, data, via });
            }
            Command::CheckLiveness { peer } => self.handle(Input::CheckLiveness { peer }),
            Command::Forward { key, data } => self.handle(Input::Forward { key, data }),
            Command::State { token, parts } => self.handle(Input::State { token, parts }),
            Command::SetMeta(meta) => self.handle(Input::SetMeta(meta)),
            Command::Report(reply) => {
                let report = Report {
                    status: self.cluster.status(),
                    counters: self.cluster.counters(),
                    transport: self.meter.read(),
                    commands_dropped: self.commands_dropped.load(Ordering::Relaxed),
                    events_dropped: self.events_dropped,
                };
                let _ = reply.send(report);
            }
            Command::Leave(done) if self.has_left => drop(done.send(())),
            Command::Leave(done) => {
                self.leaving.push(done);
                if self.leaving.len() == 1 {
                    self.handle(Input::Leave);
                }
            }
        }
    }

    fn handle_finished(&mut self, finished: Finished) {
        match finished {
            Finished::Opened { stream, to, outcome, error } => {
                self.opened = self.opened.saturating_sub(1);
                if let Some(error) = error.clone() {
                    self.emit(MeshEvent::Note(MeshNote::OpenFailed { to, error }));
                }
                self.handle(Input::Ended { stream, outcome, error });
            }
            Finished::Heard { from, received, answer } => match received {
                Received::Message(message) => {
                    self.last_inbound += 1;
                    let stream = InboundId(self.last_inbound);
                    self.replies.insert(stream, answer);
                    self.handle(Input::Opened { stream, from: address(from), message });
                }
                Received::Closed => {}
                Received::Broken(error) => {
                    self.emit(MeshEvent::Note(MeshNote::StreamFailed {
                        from,
                        error: error.to_string(),
                    }));
                }
                Received::Malformed(error) => {
                    self.emit(MeshEvent::Note(MeshNote::StreamFailed {
                        from,
                        error: error.to_string(),
                    }));
                    self.handle(Input::Malformed { from: address(from), error });
                }
            },
            Finished::Resolved { name, found } => {
                let (addresses, error) = match found {
                    Ok(addresses) => (addresses, None),
                    Err(error) => (Vec::new(), Some(error)),
                };
                if let Some(error) = error.clone() {
                    let name = name.clone();
                    self.emit(MeshEvent::Note(MeshNote::LookupFailed { name, error }));
                }
                let addresses = addresses.into_iter().map(address).collect();
                self.handle(Input::Resolved { name, addresses, error });
            }
            Finished::Note(note) => self.emit(MeshEvent::Note(note)),
        }
    }

    /// A note of the transport.
    fn take_note(&mut self, note: MeshNote) {
        if let MeshNote::HandshakeFailed { from, error } = &note {
            let (from, error) = (address(*from), error.clone());
            self.handle(Input::HandshakeFailed { from, error });
        }
        self.emit(MeshEvent::Note(note));
    }

    fn open(&mut self, stream: OutboundId, task: OutboundStream) {
        let reports = self.reports.clone();
        let to = task.to;
        let busy = self.opened >= OUTBOUND_STREAMS_MAX;
        self.opened += 1;
        self.tasks.spawn(async move {
            let (outcome, error) = match busy {
                true => (
                    StreamOutcome::Failed(StreamFailure::Busy),
                    Some("too many streams".to_owned()),
                ),
                false => task.run().await,
            };
            let _ = reports.send(Finished::Opened { stream, to, outcome, error }).await;
        });
    }

    /// Serves a stream that a peer opened.
    fn accept_stream(&mut self, stream: InboundStream) {
        let InboundStream { from, mut io, beginning, permit } = stream;
        let (label, time) = (self.label.clone(), self.stream_timeout);
        let (reports, meter) = (self.reports.clone(), self.meter.clone());
        self.tasks.spawn(async move {
            let _permit = permit;
            let receiving = streams::receive_inbound(&mut *io, &label, &beginning, &meter);
            let received = match timeout(time, receiving).await {
                Ok(received) => received,
                Err(_) => Received::Broken(io::ErrorKind::TimedOut.into()),
            };
            let (sender, answer) = oneshot::channel();
            if reports.send(Finished::Heard { from, received, answer: sender }).await.is_err() {
                return;
            }
            // Without a reply the stream is closed, from which the peer learns that it was refused.
            let Ok(Ok(payload)) = timeout(time, answer).await else { return };
            if let Err(error) = streams::answer(&mut *io, payload, time).await {
                meter.streams.write_errors.fetch_add(1, Ordering::Relaxed);
                let note = MeshNote::StreamFailed { from, error: error.to_string() };
                let _ = reports.send(Finished::Note(note)).await;
            }
        });
    }

    fn look_up(&mut self, name: String) {
        let (reports, time) = (self.reports.clone(), self.resolve_timeout);
        self.tasks.spawn(async move {
            let found = resolve(&name, time).await;
            let _ = reports.send(Finished::Resolved { name, found }).await;
        });
    }

    /// Queues an event for the server. Beyond the limit, messages of peers and notes are dropped, but
    /// not what the server waits for.
    fn emit(&mut self, event: MeshEvent) {
        let droppable = matches!(event, MeshEvent::Received { .. } | MeshEvent::Note(_));
        if self.outbox.len() >= OUTBOX_MAX && droppable {
            self.events_dropped += 1;
            return;
        }
        let repeated = matches!(event, MeshEvent::MembersChanged)
            && matches!(self.outbox.back(), Some(MeshEvent::MembersChanged));
        if !repeated && self.outbox.len() < OUTBOX_MAX * 2 {
            self.outbox.push_back(event);
        }
    }

    fn wakeup(&self) -> Instant {
        let next = self.cluster.next_wakeup().unwrap_or(Mono(u64::MAX / 2));
        let far = Instant::now() + Duration::from_hours(1);
        (self.began + Duration::from_nanos(next.0.min(u64::MAX / 4))).min(far)
    }

    fn now(&self) -> Mono {
        Mono::default().plus(self.began.elapsed())
    }
}

/// Chooses the advertised address, and notes what is doubtful about it.
fn advertised_address(
    settings: &MeshSettings,
    bound: SocketAddr,
    notes: &mut Vec<MeshNote>,
) -> SocketAddr {
    let unspecified = bound.ip().is_unspecified();
    let local = match advertise::local_addresses() {
        Ok(local) => local,
        Err(_) if !unspecified => Vec::new(),
        Err(error) => {
            notes.push(MeshNote::InterfacesUnread { error: error.to_string() });
            Vec::new()
        }
    };
    let chosen = advertise::choose(settings.advertise, bound, &local);
    notes.push(MeshNote::Advertising(chosen));
    let elsewhere = settings.cluster.peers.iter().find(|peer| {
        peer.parse::<SocketAddr>().is_ok_and(|peer| !advertise::is_unroutable(peer.ip()))
    });
    let unroutable =
        advertise::is_unroutable(chosen.address.ip()) || chosen.origin == Origin::Loopback;
    if let (true, Some(peer)) = (unroutable, elsewhere) {
        notes.push(MeshNote::Unroutable { advertised: chosen.address, peer: peer.clone() });
    }
    chosen.address
}

fn address(from: SocketAddr) -> Address {
    Address::new(from.ip(), from.port())
}

fn socket(to: Address) -> SocketAddr {
    SocketAddr::new(to.ip.to_canonical(), to.port)
}

/// Limit: queued commands of the server.
const COMMANDS_WAITING_MAX: usize = 8192;
const EVENTS_WAITING_MAX: usize = 256;
const REPORTS_WAITING_MAX: usize = 1024;
/// Limit: queued events for the server.
const OUTBOX_MAX: usize = 8192;
/// Limit: open outbound streams.
const OUTBOUND_STREAMS_MAX: usize = 256;
