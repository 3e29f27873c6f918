//! The start, the reloads, and the end: one straight line from flags to a running server and back.
//!
//! In: checked flags. Out: an exit code. The order of the start is: journal, configuration, bind,
//! restore, listen. Nothing listens before the state is loaded, and nothing is spoken before it is
//! durable.
//!
//! The end is the start in reverse: stop listening, let answers and attempts end within their
//! time, sync the journal.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use bellwether_api::{BODY_BYTES_MAX, Settings as DoorSettings, router};
use bellwether_engine::{Engine, Plan, Record, Settings, Turn};
use bellwether_journal::{
    Change, Entries, FileJournal, Journal as _, JournalError, Opened, Options, Writer, open,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tracing::{debug, error, info, warn};

use crate::checks::Remark;
use crate::clock::Clock;
use crate::external_url::ExternalUrl;
use crate::features::Features;
use crate::flags::Flags;
use crate::house::{Reload, Residence};
use crate::import::{Imported, Importer};
use crate::listen::Bound;
use crate::load::{Loader, ShownConfig};
use crate::main_loop::{Doors, Event, MainLoop, Parts, StoreCondition, doors};
use crate::metrics::Metrics;
use crate::notes::SilenceLog;
use crate::{checks, features, version};

/// How long clients may take to get their answers once the server was told to stop.
const CLIENTS_GRACE: Duration = Duration::from_secs(5);

/// Where the journal lies within the storage directory.
pub fn journal_directory(storage: &Path) -> PathBuf {
    storage.join("journal")
}

/// Runs the server until a signal ends it.
pub async fn serve(flags: Flags, clock: Clock) -> anyhow::Result<()> {
    let started_at = clock.now().wall;
    announce();
    let (features, warnings) = features::parse(&flags.enable_feature)
        .map_err(|reason| anyhow!(reason).context("error parsing the feature flag list"))?;
    for warning in warnings {
        warn!("{warning}");
    }
    let (settings, remarks) = checks::check(&flags, &features).map_err(|reason| anyhow!(reason))?;
    for remark in remarks {
        match remark {
            Remark::Info(text) => info!(component = "cluster", "{text}"),
            Remark::Warning(text) => warn!(component = "cluster", "{text}"),
        }
    }
    let metrics = Arc::new(Metrics::new(features));
    metrics.alerts_limit.set(settings.alerts_per_name_max as f64);

    let storage = PathBuf::from(&flags.storage_path);
    let opened = open_journal(&storage, &metrics)?;
    let bound = bind(&flags).await?;
    let external_url = external_url(&flags, &bound)?;
    let route_prefix = external_url.route_prefix(&flags.web_route_prefix);
    debug!(external_url = external_url.as_str(), route_prefix, "app setup");

    let loader = Loader {
        path: PathBuf::from(&flags.config_file),
        features,
        external_url: external_url.as_str().to_owned(),
        retention: settings.retention,
        metrics: Arc::clone(&metrics),
        clock: clock.clone(),
        shown: ShownConfig::default(),
    };
    let loaded = loader
        .load()
        .map_err(|reason| anyhow!(reason).context("error loading configuration file"))?;
    let (plan, tellers, applied) = loaded.apply();
    let (engine, first_turn, journal) =
        restore(opened, &storage, plan, settings, &clock, &metrics)?;
    loader.in_force(&applied);

    let (doors, inlets) = doors();
    let answers = doors.news.clone();
    let writer = Writer::spawn(journal, move |durable| {
        // Nobody listens only once the server has stopped.
        let _ = answers.send(Event::Durable(durable));
    })?;
    let condition = StoreCondition::default();
    let silence_log = if flags.log_silences { SilenceLog::Told } else { SilenceLog::Quiet };
    let parts = Parts {
        engine,
        writer,
        tellers,
        clock: clock.clone(),
        metrics: Arc::clone(&metrics),
        silence_log,
        condition: condition.clone(),
        first_turn,
    };
    let main_loop = tokio::spawn(MainLoop::new(parts, &doors).run(inlets));
    let (reloads, wishes) = mpsc::channel(1);
    let reloader = tokio::spawn(reload_when_asked(loader.clone(), doors.clone(), wishes));
    let residence = Residence {
        doors: doors.clone(),
        reloads: reloads.clone(),
        clock,
        started_at,
        features,
        metrics,
        config: loader.shown.clone(),
        condition,
    };
    let door_settings = door_settings(&flags, features, route_prefix);
    let app = router(Arc::new(residence), door_settings);
    let signals = Signals::listen()?;
    let front = Front::open(bound, app)?;

    signals.told_to_stop(&reloads).await;
    info!("Received shutdown signal, exiting gracefully...");
    front.close().await;
    reloader.abort();
    // The loop is there: it ends only after this.
    let _ = doors.news.send(Event::Stop);
    main_loop.await.context("the main loop has failed")
}

fn announce() {
    let (own, revision, branch) = (version::OWN, version::REVISION, version::BRANCH);
    let compatible = version::COMPATIBLE;
    let version = format!("(version={compatible}, branch={branch}, revision={revision})");
    info!(version, bellwether = own, "Starting Alertmanager");
    let (os, architecture) = (version::OS, version::ARCHITECTURE);
    let context = format!(
        "(go={}, platform={os}/{architecture}, user={}, date={}, tags={})",
        version::GO_VERSION,
        version::BUILD_USER,
        version::BUILD_DATE,
        version::TAGS
    );
    info!(build_context = context, "Build context");
}

fn open_journal(storage: &Path, metrics: &Metrics) -> anyhow::Result<Opened> {
    std::fs::create_dir_all(storage)
        .with_context(|| format!("unable to create data directory {}", storage.display()))?;
    let opened = open(&journal_directory(storage), Options::default())?;
    if let Some(path) = &opened.moved_aside {
        metrics.journal_moved_aside.set(1.0);
        error!(component = "journal", path = %path.display(), "The journal was damaged and has been put aside; starting with what could be read of it");
    }
    if opened.torn_bytes > 0 {
        let bytes = opened.torn_bytes;
        info!(component = "journal", bytes, "Dropped the end of a commit that was cut short");
    }
    Ok(opened)
}

async fn bind(flags: &Flags) -> anyhow::Result<Vec<Bound>> {
    let mut bound = Vec::new();
    for address in &flags.web_listen_addresses {
        bound.push(Bound::bind(address).await.map_err(|reason| anyhow!(reason))?);
    }
    Ok(bound)
}

fn external_url(flags: &Flags, bound: &[Bound]) -> anyhow::Result<ExternalUrl> {
    let url = if flags.web_external_url.is_empty() {
        let system = rustix::system::uname();
        let host_name = system.nodename().to_string_lossy().into_owned();
        let first = bound.first().context("there is no listen address")?;
        Ok(ExternalUrl::derived(&host_name, first.address.port()))
    } else {
        ExternalUrl::parse(&flags.web_external_url)
    };
    url.map_err(|reason| anyhow!(reason).context("failed to determine external URL"))
}

fn door_settings(flags: &Flags, features: Features, route_prefix: String) -> DoorSettings {
    DoorSettings {
        route_prefix,
        get_concurrency: usize::try_from(flags.web_get_concurrency).unwrap_or(0),
        timeout: flags.web_timeout.positive(),
        matcher_mode: features.matchers,
        body_bytes_max: BODY_BYTES_MAX,
    }
}

/// The engine as it was left, with what a Go Alertmanager left beside it.
fn restore(
    opened: Opened,
    storage: &Path,
    plan: Arc<Plan>,
    settings: Settings,
    clock: &Clock,
    metrics: &Metrics,
) -> anyhow::Result<(Engine, Turn, FileJournal)> {
    let Opened { mut journal, entries, moved_aside: _, torn_bytes: _ } = opened;
    let mut engine = Engine::new(plan, settings, seed()?);
    let mut turn = Turn::default();
    let mut memories = Memories {
        entries,
        failure: None,
        importer: Importer::default(),
        storage,
        imported: None,
        changes: Vec::new(),
        metrics,
    };
    engine.restore(clock.now(), &mut memories, &mut turn);
    if let Some(error) = memories.failure {
        return Err(error).context("read the journal");
    }
    if !memories.changes.is_empty() {
        journal.commit(&memories.changes).context("keep what was imported")?;
    }
    Ok((engine, turn, journal))
}

/// All records that memory is made of: those of the journal, then those of an import, which must
/// know the former.
struct Memories<'a> {
    entries: Entries,
    failure: Option<JournalError>,
    importer: Importer,
    storage: &'a Path,
    imported: Option<std::vec::IntoIter<Record>>,
    /// What the import must make durable.
    changes: Vec<Change>,
    metrics: &'a Metrics,
}

impl Memories<'_> {
    fn kept(&mut self) -> Option<Record> {
        loop {
            let entry = match self.entries.next()? {
                Ok(entry) => entry,
                Err(error) => {
                    self.failure = Some(error);
                    return None;
                }
            };
            if self.importer.is_mark(&entry.key, &entry.value) {
                continue;
            }
            match Record::decode(&entry.key, &entry.value) {
                Ok(record) => {
                    self.importer.see(&record, &entry.key);
                    return Some(record);
                }
                Err(err) => {
                    self.metrics.journal_records_unreadable.increment();
                    error!(component = "journal", %err, "Skipping a record that cannot be read");
                }
            }
        }
    }
}

impl Iterator for Memories<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        if let Some(imported) = &mut self.imported {
            return imported.next();
        }
        let kept = self.kept();
        if kept.is_some() || self.failure.is_some() {
            return kept;
        }
        let Imported { records, changes } = self.importer.import(self.storage);
        self.changes = changes;
        self.imported.insert(records.into_iter()).next()
    }
}

fn seed() -> anyhow::Result<u128> {
    let mut bytes = [0; 16];
    let mut source = File::open("/dev/urandom").context("open the source of randomness")?;
    source.read_exact(&mut bytes).context("read from the source of randomness")?;
    Ok(u128::from_le_bytes(bytes))
}

/// Loads the configuration again for everyone who asks, one after the other.
async fn reload_when_asked(loader: Loader, doors: Doors, mut wishes: mpsc::Receiver<Reload>) {
    while let Some(reply) = wishes.recv().await {
        // Whoever asked may have gone away; the reload happens all the same.
        let _ = reply.send(reload(&loader, &doors).await);
    }
}

async fn reload(loader: &Loader, doors: &Doors) -> Result<(), String> {
    let for_thread = loader.clone();
    let loaded = tokio::task::spawn_blocking(move || for_thread.load()).await;
    let loaded = loaded.unwrap_or_else(|error| Err(format!("loading has failed: {error}")));
    let (plan, tellers, applied) = loaded.inspect_err(|error| loader.refused(error))?.apply();
    let (done, is_done) = oneshot::channel();
    let event = Event::Plan { plan, tellers, applied: done };
    let ending = || "the server is shutting down".to_owned();
    doors.news.send(event).map_err(|_| ending())?;
    is_done.await.map_err(|_| ending())?;
    loader.in_force(&applied);
    Ok(())
}

/// The signals that the server listens to.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From now on these signals no longer kill the process.
    fn listen() -> anyhow::Result<Self> {
        let on = |kind| signal(kind).context("listen for signals");
        Ok(Signals {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
            hang_up: on(SignalKind::hangup())?,
        })
    }

    /// Waits for SIGINT or SIGTERM; SIGHUP asks for a reload.
    async fn told_to_stop(mut self, reloads: &mpsc::Sender<Reload>) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hang_up.recv() => {
                    // A reload that is already asked for will see the newest file.
                    let (reply, _) = oneshot::channel();
                    let _ = reloads.try_send(reply);
                }
            }
        }
    }
}

/// The HTTP servers on all listeners.
struct Front {
    servers: JoinSet<()>,
    closing: watch::Sender<bool>,
}

impl Front {
    fn open(bound: Vec<Bound>, app: axum::Router) -> anyhow::Result<Self> {
        let (closing, is_closing) = watch::channel(false);
        let mut servers = JoinSet::new();
        for bound in bound {
            let address = bound.address;
            let listener = bound.listen().map_err(|reason| anyhow!(reason))?;
            info!(%address, "Listening on");
            info!(http2 = false, %address, "TLS is disabled.");
            let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
                // Small answers should not wait for more to send.
                let _ = stream.set_nodelay(true);
            });
            let mut is_closing = is_closing.clone();
            let closed = async move {
                let _ = is_closing.wait_for(|closing| *closing).await;
            };
            let serving = axum::serve(listener, app.clone()).with_graceful_shutdown(closed);
            servers.spawn(async move {
                if let Err(err) = serving.await {
                    error!(err = %err, "Listen error");
                }
            });
        }
        Ok(Front { servers, closing })
    }

    /// Takes no more requests, and waits for those under way, within their time.
    async fn close(mut self) {
        let _ = self.closing.send(true);
        let all = async { while self.servers.join_next().await.is_some() {} };
        if tokio::time::timeout(CLIENTS_GRACE, all).await.is_err() {
            warn!("graceful HTTP shutdown failed: clients were cut off");
        }
    }
}
