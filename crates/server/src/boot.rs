//! Starts and stops the server.
//!
//! In: checked flags. Out: an exit code. The order of the start is: journal, configuration, bind,
//! restore, join the cluster, listen. Nothing listens before the state is loaded.
//!
//! The end is the start in reverse: stop listening, let answers and attempts end within their
//! time, sync the journal, leave the cluster.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use bellwether_api::{ApiSettings, BODY_BYTES_MAX, ConnectSettings, CrossOrigin, router};
use bellwether_engine::{EngineSettings, PeerSettings};
use bellwether_journal::{FileJournal, Writer};
use bellwether_mesh::{Handle, Mesh, MeshSettings, Security};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tracing::{debug, error, info, warn};

use crate::backend::ServerBackend;
use crate::checks::Refused;
use crate::clock::Clock;
use crate::cluster::{self, BellwetherMetadata, PeerCredentials, SharedMetadata};
use crate::connect_settings::connect_settings;
use crate::connections::raise_descriptor_limit;
use crate::external_url::ExternalUrl;
use crate::features::{Features, Remark};
use crate::flags::Flags;
use crate::http_servers::HttpServers;
use crate::listen::Bound;
use crate::load::{CurrentConfig, Loader};
use crate::main_loop::{
    EventSenders, JournalWatch, MainLoop, Parts, Peers, ServerEvent, StoreCondition, Unsaved,
    event_channels, listen,
};
use crate::metrics::Metrics;
use crate::notes::SilenceLog;
use crate::receivers::ReceiverSettings;
use crate::reload::{Signals, reload_when_asked};
use crate::restore::{journal_directory, open_journal, random_u64, restore};
use crate::web::Web;
use crate::{checks, features, version};

/// Runs the server until a signal ends it.
///
/// Long because: it is the order of the start, one part after the other.
pub async fn serve(flags: Flags, clock: Clock) -> anyhow::Result<()> {
    let started_at = clock.now().wall;
    let (features, cross_origin) = check_first(&flags)?;
    announce();
    let mut settings = check(&flags, &features)?;
    let connections_max = connections_max(&flags);
    let metrics = Arc::new(Metrics::new(features));
    let http_metrics = Arc::clone(&metrics);
    metrics.alerts_limit.set(settings.alerts_per_name_max as f64);
    let storage = PathBuf::from(&flags.storage_path);
    let (security, verify_peers) = security(&flags)?;
    let web = Web::open(&flags.web_config_file).with_context(|| {
        format!("web.config.file of the listener {}", flags.web_listen_addresses.join(", "))
    })?;
    let opened = open_journal(&storage, &metrics)?;
    let bound = bind(&flags).await?;
    let external_url = external_url(&flags, &bound)?;
    let route_prefix = external_url.route_prefix(&flags.web_route_prefix);
    debug!(external_url = external_url.as_str(), route_prefix, "app setup");

    let receiver_settings =
        ReceiverSettings::from_flags(&flags, &metrics).map_err(|reason| anyhow!(reason))?;
    let loader = Loader {
        path: PathBuf::from(&flags.config_file),
        features,
        external_url: external_url.as_str().to_owned(),
        retention: settings.retention,
        metrics: Arc::clone(&metrics),
        clock: clock.clone(),
        current: CurrentConfig::default(),
        receivers: receiver_settings.clone(),
    };
    let refused = |reason| anyhow!("error loading configuration file: {reason}");
    let (plan, notifiers, applied) = loader.load().map_err(refused)?.apply();
    let metadata = SharedMetadata::new(BellwetherMetadata {
        cluster_id: flags.cluster_id.clone(),
        config: plan.keys_hash(),
    });
    let own = metadata.read();
    let mesh_settings = cluster::settings(&flags, &storage, &own, security, random_u64()?)?;
    settings.peers = mesh_settings.as_ref().map(|mesh| PeerSettings {
        name: mesh.cluster.machine.name.to_string(),
        timeout: flags.cluster_peer_timeout.positive().unwrap_or_default(),
        corrects_clock: cluster::tells_members_apart(&flags),
        trusts_status: verify_peers,
    });
    let restored = restore(opened, &storage, plan, settings, &clock, &metrics)?;
    loader.takes_effect(&applied);

    let (senders, receivers) = event_channels();
    let condition = StoreCondition::default();
    let parts = Parts {
        engine: restored.engine,
        first_turn: restored.turn,
        other_entries: restored.other_entries.into(),
        writer: spawn_writer(restored.journal, &senders)?,
        notifiers,
        rendering: receiver_settings.rendering.clone(),
        clock: clock.clone(),
        metrics: Arc::clone(&metrics),
        silence_log: if flags.log_silences { SilenceLog::Info } else { SilenceLog::Debug },
        journal_watch: JournalWatch::new(&journal_directory(&storage), condition.clone()),
        unsaved: if flags.storage_refuse_unsaved { Unsaved::Refused } else { Unsaved::Taken },
    };
    let main_loop = tokio::spawn(MainLoop::new(parts, &senders).run(receivers));
    let mesh = match mesh_settings {
        Some(settings) => Some(join(settings, &metadata, &senders).await?),
        None => None,
    };
    let (reloads, requests) = mpsc::channel(1);
    let reloader = tokio::spawn(reload_when_asked(loader.clone(), senders.clone(), requests));
    let backend = ServerBackend {
        senders: senders.clone(),
        reloads: reloads.clone(),
        clock,
        started_at,
        features,
        metrics,
        config: loader.current,
        receivers: receiver_settings,
        external_url: loader.external_url,
        condition,
        mesh: mesh.clone(),
        metadata,
    };
    let (stop_streams, stopping) = watch::channel(false);
    let connect = connect_settings(&flags, stopping);
    let api = api_settings(&flags, features, route_prefix, cross_origin, connect);
    let app = router(Arc::new(backend), api);
    let signals = Signals::listen()?;
    let servers = HttpServers::open(bound, app, web, connections_max, http_metrics)?;

    signals.wait_for_stop(&reloads).await;
    info!("Shutting down gracefully");
    stop(Running { stop_streams, servers, reloader, senders, main_loop, mesh }).await?;
    info!("Received shutdown signal, exiting gracefully...");
    Ok(())
}

/// The parts of a running server, in the order in which they end.
struct Running {
    /// Ends remote procedure calls, which may be endless.
    stop_streams: watch::Sender<bool>,
    servers: HttpServers,
    reloader: JoinHandle<()>,
    senders: EventSenders,
    main_loop: JoinHandle<()>,
    /// `None` without a cluster.
    mesh: Option<Handle>,
}

async fn stop(running: Running) -> anyhow::Result<()> {
    let Running { stop_streams, servers, reloader, senders, main_loop, mesh } = running;
    let _ = stop_streams.send(true);
    servers.close().await;
    reloader.abort();
    // The loop is still running: it ends only after this.
    let _ = senders.internal.send(ServerEvent::Stop);
    main_loop.await.context("the main loop has failed")?;
    if let Some(mesh) = mesh {
        // Only now: the outcomes of the last attempts have been broadcast.
        mesh.leave().await.context("leave the cluster")?;
    }
    Ok(())
}

/// What `--cluster.tls-config` asks for, and whether it lets only peers with a certificate in.
fn security(flags: &Flags) -> anyhow::Result<(Security, bool)> {
    let path = &flags.cluster_tls_config;
    if path.is_empty() || flags.cluster_listen_address.is_empty() {
        return Ok((Security::Plain, false));
    }
    let credentials = PeerCredentials::open(Path::new(path))
        .context("unable to initialize TLS transport configuration for gossip mesh")?;
    let verify_peers = credentials.verify_peers();
    Ok((Security::Tls(Arc::new(credentials)), verify_peers))
}

/// Starts the mesh and connects it with the main loop.
async fn join(
    settings: MeshSettings,
    metadata: &SharedMetadata,
    senders: &EventSenders,
) -> anyhow::Result<Handle> {
    let (mesh, events) = Mesh::start(settings).await.context("start the cluster")?;
    info!(component = "cluster", address = %mesh.bound(), "Listening for peers");
    let peers = Peers::new(mesh.clone(), metadata.clone());
    // The loop is still running: it ends only after `ServerEvent::Stop`.
    let _ = senders.internal.send(ServerEvent::Join(peers));
    tokio::spawn(listen(events, senders.peers.clone()));
    Ok(mesh)
}

/// What the Go program checks before its first line, in its order.
fn check_first(flags: &Flags) -> Result<(Features, Option<CrossOrigin>), Refused> {
    let (features, remarks) = features::parse(&flags.enable_feature)
        .map_err(|reason| Refused { message: "error parsing the feature flag list", reason })?;
    for remark in remarks {
        match remark {
            Remark::Warning(text) => warn!("{text}"),
            Remark::Error(text) => error!("{text}"),
        }
    }
    let cross_origin = checks::cross_origin(flags)?;
    checks::check_memory_limit(flags, &features)?;
    Ok((features, cross_origin))
}

fn check(flags: &Flags, features: &Features) -> anyhow::Result<EngineSettings> {
    let (settings, warnings) = checks::check(flags, features).map_err(|reason| anyhow!(reason))?;
    for warning in warnings {
        warn!(component = "cluster", "{warning}");
    }
    Ok(settings)
}

fn spawn_writer(journal: FileJournal, senders: &EventSenders) -> anyhow::Result<Writer> {
    let answers = senders.internal.clone();
    let writer = Writer::spawn(journal, move |answer| {
        // It fails only once the server has stopped.
        let _ = answers.send(ServerEvent::Journal(answer));
    });
    writer.context("start the journal")
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

/// Limit: HTTP connections.
fn connections_max(flags: &Flags) -> usize {
    let descriptors = raise_descriptor_limit();
    let wanted = usize::try_from(flags.web_connections_max).ok().filter(|wanted| *wanted > 0);
    let max = descriptors.connections_max(wanted);
    let limit = descriptors.limit.map_or("unlimited".to_owned(), |limit| limit.to_string());
    info!(open_files = limit, http_connections = max, "Limits of this process");
    if wanted.is_some_and(|wanted| wanted > max) {
        warn!(max, "The limit of open files allows fewer connections than --web.max-connections");
    }
    max
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
        let first = bound.first().context("no listen address is given")?;
        Ok(ExternalUrl::derived(&host_name, first.address.port()))
    } else {
        ExternalUrl::parse(&flags.web_external_url)
    };
    url.map_err(|reason| anyhow!(reason).context("failed to determine external URL"))
}

fn api_settings(
    flags: &Flags,
    features: Features,
    route_prefix: String,
    cross_origin: Option<CrossOrigin>,
    connect: ConnectSettings,
) -> ApiSettings {
    ApiSettings {
        route_prefix,
        get_concurrency: usize::try_from(flags.web_get_concurrency).unwrap_or(0),
        timeout: flags.web_timeout.positive(),
        matcher_mode: features.matchers,
        body_bytes_max: BODY_BYTES_MAX,
        receiver_test: flags.web_receiver_test,
        cross_origin,
        connect,
    }
}
