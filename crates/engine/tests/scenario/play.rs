//! The commands of scenarios.
//!
//! A scenario begins with its rule, as comment lines. Then come blocks: commands, a line `----`, and
//! the trace that they leave. `UPDATE_EXPECT=1` rewrites the traces with what is played now;
//! `SCENARIO=name` plays only the scenarios that have `name` in their names:
//! `SCENARIO=inhibition cargo test -p bellwether-engine --test scenarios`.
//!
//! Set-up:
//! - `plan`: the configuration, in the lines below it, indented (see `plan.rs`).
//! - `settings name=b peer_timeout=15s`: flags, before the plan or before a restart. `name` makes the
//!   node a member of a cluster; `claims=doubted`: it has no TLS. The others: `retention`, `start_delay`, `silences_max`,
//!   `silence_bytes_max`, `silence_pattern_bytes_max`, `alerts_per_name_max`, `groups_max`,
//!   `strict=yes`, `logs_muted=yes`.
//!
//! Alerts and silences:
//! - `post {alertname=Disk} firing end=+1h`: a POST of one alert, or of several, one in each indented
//!   line below; `firing` or `resolved`, then `start=-1m`, `end=+4m`, `note=text` (an annotation).
//!   Without `end` a firing alert has none and a resolved one ends now; with `end` but without
//!   `start` it starts now.
//! - `silence {alertname=Memory} for 2h from +1h`: creates a silence; they are called s1, s2, … in
//!   this order. Times count from now; `by you` sets the creator.
//! - `update s1 {alertname=Memory} for 4h`: changes a silence; without matchers it keeps its own.
//! - `expire s1`: expires a silence.
//!
//! Time and the process:
//! - `advance 5m`: time passes, and the engine handles all that is due meanwhile.
//! - `wall -1h`: sets the wall clock, relative to now.
//! - `sleep 1h`: the machine is suspended; the engine handles nothing meanwhile.
//! - `reload`: loads the plan below it, or the same plan again.
//! - `crash for 10s`: kills the process and starts it from what is on disk; `crash` starts it at once.
//!
//! Receivers:
//! - `receiver team/webhook[0] fails`: how an integration answers from now on. `accepts`;
//!   `remembers`: accepts, and returns a value to remember; `fails`: status 500; `refuses`: status
//!   400; `retry-after 10s`: status 429; `hangs`: no answer before the deadline; `vanishes`: accepts,
//!   but the answer is lost.
//! - `answer team/webhook[0] accepts`: answers an attempt that hangs.
//!
//! Peers:
//! - `peers a* c`: the other members of the cluster; a star marks a Bellwether node.
//! - `settled`: the cluster has settled.
//! - `unresponsive a`, `responsive a`: whether a peer answers liveness checks from now on.
//! - `receive log team/webhook[0] {}:{alertname="Disk"} firing {alertname=Disk} at +24h`: a log entry
//!   of a peer; several `firing {…}` and `resolved {…}` may follow; without `at` it is made now.
//!   `amended 2` makes it that many nanoseconds younger.
//! - `receive silence {alertname=Net} for 2h`: a silence of a peer; `and silence …` adds another.
//! - `receive again`: the last received message, once more.
//! - `status a claims team/webhook[0] {}:{alertname="Disk"}`: a status broadcast of a peer that tries
//!   to send this; `status a claims`: what this node claimed last; `status a idle`: nothing.
//! - `status a clock +4m`: a status broadcast of a peer whose clock is ahead; with `from b` it comes
//!   from the address of another peer.
//! - `full-state`: a peer requests all silences and log entries.
//!
//! Queries, whose result is printed:
//! - `alerts`, `groups`, `silences`: what the API lists.
//! - `open`: how many groups and unfinished deliveries there are.
//! - `kept`: the records written to disk since the last `kept`.
//!
//! Every line of a trace begins with its offset from the start, Monday 2026-01-05 12:00 UTC.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bellwether_engine::{
    AlertQuery, Channel, EngineSettings, Input, LogEntry, LogKey, Notified, Peer, PeerSettings,
    PostedSilence, RefusedAlerts, StatusBroadcast, Ticket, wire,
};
use bellwether_model::{
    GroupKey, IntegrationId, LabelSet, Matcher, Matchers, NewAlert, Silence, Timestamp,
};

use super::plan::{duration, matchers, parse_plan, split_braces};
use super::trace;
use super::world::{Manner, World};

pub struct Play {
    name: String,
    settings: EngineSettings,
    world: Option<World>,
}

impl Play {
    pub fn new(name: &str) -> Self {
        Play { name: name.to_owned(), settings: EngineSettings::default(), world: None }
    }

    /// Plays one block and returns its trace.
    pub fn run(&mut self, commands: &str) -> String {
        let mut lines = commands.lines().peekable();
        let mut out = Vec::new();
        while let Some(line) = lines.next() {
            let mut below = String::new();
            while let Some(inner) = lines.next_if(|line| line.starts_with("  ")) {
                below.push_str(&inner[2..]);
                below.push('\n');
            }
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            out.extend(self.command(word, rest, &below));
        }
        if out.is_empty() {
            out.push("ok".to_owned());
        }
        out.join("\n") + "\n"
    }

    fn command(&mut self, word: &str, rest: &str, below: &str) -> Vec<String> {
        match word {
            "settings" => self.change_settings(rest),
            "plan" => self.world = Some(World::new(parse_plan(below), self.settings.clone())),
            _ => {
                let world = self.world.as_mut().expect("a scenario begins with a plan");
                let looked = look(world, word);
                if !looked.is_empty() {
                    return looked;
                }
                act(&self.name, world, word, rest, below);
                return std::mem::take(&mut world.log);
            }
        }
        Vec::new()
    }

    fn change_settings(&mut self, text: &str) {
        for word in text.split_whitespace() {
            let (name, value) = word.split_once('=').expect("a setting has a value");
            let settings = &mut self.settings;
            let number = || value.parse().expect("a number");
            match name {
                "retention" => settings.retention = duration(value),
                "start_delay" => settings.start_delay = duration(value),
                "silences_max" => settings.silences_max = number(),
                "silence_bytes_max" => settings.silence_bytes_max = number(),
                "silence_pattern_bytes_max" => settings.silence_pattern_bytes_max = number(),
                "strict" => settings.strict = value == "yes",
                "logs_muted" => settings.logs_muted = value == "yes",
                "alerts_per_name_max" => settings.alerts_per_name_max = number(),
                "name" => {
                    let timeout = Duration::from_secs(15);
                    settings.peers = Some(PeerSettings {
                        name: value.to_owned(),
                        timeout,
                        corrects_clock: true,
                        trusts_status: true,
                    });
                }
                "claims" => {
                    let peers = settings.peers.as_mut().expect("a name first");
                    peers.trusts_status = value != "doubted";
                }
                "peer_timeout" => {
                    settings.peers.as_mut().expect("a name first").timeout = duration(value);
                }
                "groups_max" => settings.groups_max = number(),
                _ => panic!("unknown setting {name}"),
            }
        }
        if let Some(world) = &mut self.world {
            world.settings = self.settings.clone();
        }
    }
}

fn act(name: &str, world: &mut World, word: &str, rest: &str, below: &str) {
    let ticket = Ticket(0);
    match word {
        "post" => {
            let lines = if rest.is_empty() { below } else { rest };
            let alerts = lines.lines().map(|line| new_alert(line, world.wall)).collect();
            world.handle(Input::Alerts { alerts, refused: RefusedAlerts::default(), ticket });
        }
        "silence" => {
            let silence = posted_silence(rest, None, Vec::new(), world);
            world.handle(Input::PostSilence { silence, ticket });
        }
        "update" => {
            let (id, rest) = rest.split_once(' ').expect("which silence, and how");
            let id = silence_id(id, world);
            let known = world.engine.view().silence(&id).map_or(Vec::new(), |silence| {
                silence.matcher_sets.iter().flat_map(|set| set.0.clone()).collect()
            });
            let silence = posted_silence(rest, Some(id), known, world);
            world.handle(Input::PostSilence { silence, ticket });
        }
        "expire" => {
            let id = silence_id(rest, world);
            world.handle(Input::ExpireSilence { id, ticket });
        }
        "advance" => world.advance(duration(rest)),
        "wall" => world.wall = shifted(world.wall, rest),
        "sleep" => {
            // The machine was suspended: nothing woke the engine meanwhile.
            let by = duration(rest);
            world.wall = world.wall.plus(by);
            world.mono = world.mono.plus(by);
            world.handle(Input::Tick);
        }
        "receiver" => {
            let (integration, how) = rest.split_once(' ').expect("which receiver, and how");
            world.manners.insert(integration.to_owned(), manner(how));
        }
        "answer" => {
            let (integration, how) = rest.split_once(' ').expect("which receiver, and how");
            world.answer(integration, manner(how));
        }
        "reload" => {
            if !below.is_empty() {
                world.plan = parse_plan(below);
            }
            world.handle(Input::Plan(world.plan.clone()));
        }
        "peers" => {
            let peer = |word: &str| Peer {
                name: word.trim_end_matches('*').to_owned(),
                address: address_of_peer(word.trim_end_matches('*')),
                is_bellwether: word.ends_with('*'),
            };
            world.handle(Input::Peers(rest.split_whitespace().map(peer).collect()));
        }
        "settled" => world.handle(Input::Settled),
        "unresponsive" => {
            world.unresponsive_peers.insert(rest.to_owned());
        }
        "responsive" => {
            world.unresponsive_peers.remove(rest);
        }
        "receive" => {
            let (channel, data) = match rest {
                "again" => world.last_received.clone().expect("something was received before"),
                _ => peer_records(rest, world),
            };
            world.last_received = Some((channel, data.clone()));
            world.handle(Input::PeerRecords { channel, data });
        }
        "status" => {
            let (rest, address) = rest.split_once(" from ").unwrap_or((rest, ""));
            let status = peer_status(rest, world);
            let address = if address.is_empty() { &status.from } else { address };
            let from = address_of_peer(address);
            world.handle(Input::StatusBroadcast { from, data: status.encode() });
        }
        "full-state" => world.handle(Input::FullStateRequested { ticket }),
        "crash" => {
            let down = rest.strip_prefix("for ").map_or(Duration::ZERO, duration);
            world.crash(down);
        }
        _ => panic!("{name}: unknown command {word}"),
    }
}

fn look(world: &mut World, word: &str) -> Vec<String> {
    let view = world.engine.view();
    let mut lines = Vec::new();
    match word {
        "alerts" => {
            view.each_alert(world.wall, &AlertQuery::default(), |listed| {
                let name = trace::alert_name(&listed.alert.labels);
                let ends = trace::offset(listed.alert.ends_at);
                let starts = trace::offset(listed.alert.starts_at);
                let status = trace::status(listed.status, world);
                let receivers = listed.receivers.join(",");
                lines.push(format!("{name} {starts} to {ends}, {status}, for {receivers}"));
            });
            lines.sort();
        }
        "groups" => lines = trace::groups(&view, world.wall, world),
        "silences" => {
            for silence in view.silences() {
                let why = view.not_in_force(&silence.id).map(|why| format!(" ({why:?})"));
                lines.push(format!(
                    "{} {} {} to {} by {:?}: {:?}{}",
                    world.short_id(&silence.id),
                    view.silence_state(silence, world.wall).text(),
                    trace::offset(silence.starts_at),
                    trace::offset(silence.ends_at),
                    silence.created_by,
                    silence.matcher_sets,
                    why.unwrap_or_default(),
                ));
            }
            lines.sort();
        }
        "open" => {
            let deliveries = world.engine.deliveries_open();
            lines.push(format!("{} groups, {deliveries} deliveries", view.group_count()));
        }
        "kept" => lines = std::mem::take(&mut world.kept),
        _ => return Vec::new(),
    }
    if lines.is_empty() {
        lines.push("none".to_owned());
    }
    lines
}

/// Each peer has an address of its own.
fn address_of_peer(name: &str) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, name.bytes().last().unwrap_or_default()).into()
}

/// `a claims team/webhook[0] {}:{alertname="Disk"}`, `a claims` (what this node last claimed),
/// `a idle`, or `a clock +1h`
fn peer_status(text: &str, world: &World) -> StatusBroadcast {
    let mut words = text.splitn(3, ' ');
    let mut next = || words.next();
    let from = next().expect("a peer").to_owned();
    let mut status = StatusBroadcast { from, wall: world.wall, claims: Vec::new() };
    match (next().expect("what the peer says"), next()) {
        ("idle", None) => {}
        ("clock", Some(ahead)) => status.wall = shifted(world.wall, ahead),
        ("claims", None) => status.claims.clone_from(&world.claimed),
        ("claims", Some(key)) => {
            let (integration, group) = key.split_once(' ').expect("an integration and a group");
            let integration = integration_id(integration);
            status.claims = vec![LogKey { group: GroupKey::from_text(group), integration }.hash()];
        }
        (word, _) => panic!("unknown word {word}"),
    }
    status
}

/// `log team/webhook[0] {}:{alertname="Disk"} firing {alertname=Disk} resolved {…} at -5s`, or
/// `silence {matchers} for 2h`
fn peer_records(text: &str, world: &World) -> (Channel, Vec<u8>) {
    let mut data = Vec::new();
    if let Some(rest) = text.strip_prefix("silence ") {
        for (index, silence) in rest.split(" and silence ").enumerate() {
            wire::append_message(&mut data, &peer_silence(index, silence, world));
        }
        return (Channel::Silences, data);
    }
    let mut words = text.strip_prefix("log ").expect("a log entry or a silence").split(' ');
    let mut next = || words.next().expect("another word");
    let (integration, group) = (next(), next());
    let mut notified = Notified::default();
    let mut at = world.wall;
    while let Some(word) = words.next() {
        let value = words.next().expect("a value");
        let hash = || LabelSet::new(pairs(value).iter().map(|(n, v)| (&**n, &**v))).log_hash();
        match word {
            "firing" => notified.firing.push(hash()),
            "resolved" => notified.resolved.push(hash()),
            "at" => at = shifted(world.wall, value),
            "amended" => at = at.plus(Duration::from_nanos(value.parse().expect("a number"))),
            _ => panic!("unknown word {word}"),
        }
    }
    notified.firing.sort_unstable();
    notified.resolved.sort_unstable();
    let entry = LogEntry {
        key: LogKey { group: GroupKey::from_text(group), integration: integration_id(integration) },
        notified,
        at,
        expires_at: at.plus(Duration::from_secs(8 * 3600)),
        remembered: Default::default(),
        wire: None,
    };
    wire::append_message(&mut data, &wire::encode_entry(&entry));
    (Channel::NotificationLog, data)
}

/// A regular expression that is `BROKEN` becomes one that cannot be compiled.
fn peer_silence(index: usize, text: &str, world: &World) -> Vec<u8> {
    let posted = posted_silence(text, None, Vec::new(), world);
    let silence = Silence {
        id: if index == 0 { "received".to_owned() } else { format!("received-{index}") },
        matcher_sets: vec![Matchers(posted.matchers)],
        starts_at: posted.starts_at,
        ends_at: posted.ends_at,
        updated_at: posted.starts_at.min(world.wall),
        created_by: posted.created_by,
        comment: posted.comment,
        annotations: posted.annotations,
    };
    let expires_at = silence.ends_at.plus(world.settings.retention);
    let mut message = wire::encode_silence(&silence, expires_at);
    while let Some(at) = message.windows(6).position(|bytes| bytes == b"BROKEN") {
        message[at..at + 6].fill(b'(');
    }
    message
}

/// `{alertname=Disk,host=a}`
fn pairs(braces: &str) -> Vec<(String, String)> {
    let inner = braces.trim_matches(['{', '}']);
    let pair = |text: &str| {
        let (name, value) = text.split_once('=').expect("a name and a value");
        (name.to_owned(), value.to_owned())
    };
    inner.split(',').map(pair).collect()
}

/// `team/webhook[0]`
fn integration_id(text: &str) -> IntegrationId {
    let (receiver, rest) = text.split_once('/').expect("a receiver");
    let (kind, index) = rest.trim_end_matches(']').split_once('[').expect("an index");
    let index = index.parse().expect("a number");
    IntegrationId { receiver: receiver.into(), kind: kind.into(), index }
}

/// `{alertname=Disk, host=a} firing start=-1h end=+4m note=text`
fn new_alert(text: &str, now: Timestamp) -> NewAlert {
    let (braces, rest) = split_braces(text);
    let pairs = matchers(braces.expect("an alert has labels"));
    let labels = LabelSet::new(pairs.iter().map(|pair| (&*pair.name, &*pair.value)));
    let mut words = rest.split_whitespace();
    let ends_at = match words.next() {
        Some("firing") => None,
        Some("resolved") => Some(now),
        other => panic!("an alert is firing or resolved, not {other:?}"),
    };
    let mut alert = NewAlert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::default(),
        generator_url: "".into(),
        starts_at: None,
        ends_at,
    };
    for word in words {
        match word.split_once('=').expect("a name and a value") {
            ("start", value) => alert.starts_at = Some(shifted(now, value)),
            ("end", value) => {
                alert.starts_at = alert.starts_at.or(Some(now));
                alert.ends_at = Some(shifted(now, value));
            }
            ("note", value) => alert.annotations = LabelSet::new([("note", value)]),
            (name, _) => panic!("unknown field {name}"),
        }
    }
    alert
}

/// `{matchers} for 2h from -5m by somebody`
fn posted_silence(
    text: &str,
    id: Option<String>,
    known: Vec<Matcher>,
    world: &World,
) -> PostedSilence {
    let (braces, rest) = split_braces(text);
    let mut posted = PostedSilence {
        id,
        matchers: braces.map_or(known, matchers),
        starts_at: world.wall,
        ends_at: world.wall,
        created_by: "me".to_owned(),
        comment: String::new(),
        annotations: Default::default(),
    };
    if let Some(id) = &posted.id
        && let Some(known) = world.engine.view().silence(id)
    {
        posted.starts_at = known.starts_at;
    }
    let words: Vec<&str> = rest.split_whitespace().collect();
    for pair in words.chunks(2) {
        match pair {
            ["for", value] => posted.ends_at = shifted(world.wall, value),
            ["from", value] => posted.starts_at = shifted(world.wall, value),
            ["by", value] => posted.created_by = (*value).to_owned(),
            _ => panic!("unknown words {pair:?}"),
        }
    }
    posted
}

/// `s2`, or an id that does not exist.
fn silence_id(name: &str, world: &World) -> String {
    let number = name.strip_prefix('s').and_then(|number| number.parse::<usize>().ok());
    let known = number.and_then(|number| world.silences.get(number - 1));
    known.cloned().unwrap_or_else(|| name.to_owned())
}

fn shifted(now: Timestamp, by: &str) -> Timestamp {
    match by.strip_prefix('-') {
        Some(back) => now.minus(duration(back)),
        None => now.plus(duration(by.trim_start_matches('+'))),
    }
}

fn manner(text: &str) -> Manner {
    match text {
        "accepts" => Manner::Accepts,
        "remembers" => Manner::Remembers,
        "hangs" => Manner::Hangs,
        "vanishes" => Manner::Vanishes,
        "fails" => Manner::Fails,
        "refuses" => Manner::Refuses,
        _ => {
            let wait = text.strip_prefix("retry-after ").expect("a known way to answer");
            Manner::RetryAfter(duration(wait))
        }
    }
}
