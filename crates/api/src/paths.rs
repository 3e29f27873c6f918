//! Finds the destination of a request.
//!
//! In: method and path. Out: a [`Destination`], which may be a redirect or an error.
//!
//! Compat: upstream stacks three routers, and each shows. The outermost one cleans paths and sends
//! `/api/v2` to `/api/v2/`, with status 307. What is below `/api/` and belongs to no version is a
//! procedure. Behind it pages are found by an exact path, or else by
//! one that differs in case or a final slash, to which it redirects; `OPTIONS` is answered by
//! itself. The API has a router of its own, which accepts a final slash.

use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

/// What to do with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Within the API.
    Api,
    /// A procedure, at this path below the place where all are mounted.
    Rpc {
        path: String,
    },
    Page(Page),
    /// To the root from a place above it.
    Root,
    Redirect {
        status: StatusCode,
        path: String,
    },
    /// Answered with the methods that there are.
    Options {
        allowed: String,
    },
    MethodNotAllowed {
        allowed: String,
    },
    NotFound,
}

/// Pages outside the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub kind: PageKind,
    /// The label of the HTTP metrics.
    pub handler: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageKind {
    Home,
    /// Where the second interface of upstream is; it leads to its root.
    Interface,
    InterfaceRoot,
    Asset,
    Metrics,
    Healthy,
    Ready,
    Reload,
    Debug,
    /// Of this server alone.
    ReceiverTest,
    /// The first version of the API, which is gone.
    OldApi,
}

/// What a request seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Native gRPC.
    Grpc,
    Other,
}

/// Endpoints of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ApiPath {
    Status,
    Receivers,
    Alerts,
    Groups,
    Silences,
    Silence { id: String },
}

/// Finds the destination of a decoded path under a route prefix, which is `/` or begins with one
/// and does not end in one.
pub(crate) fn resolve(
    method: &Method,
    asked: Asked,
    path: &str,
    route_prefix: &str,
) -> Destination {
    let prefix = route_prefix.trim_end_matches('/');
    let clean = cleaned(path);
    if clean != path {
        return Destination::Redirect { status: StatusCode::TEMPORARY_REDIRECT, path: clean };
    }
    let below = path.strip_prefix(prefix);
    if below.is_some_and(|below| [RPC_ROOT, OLD_API_ROOT, API_ROOT].contains(&below)) {
        let path = format!("{path}/");
        return Destination::Redirect { status: StatusCode::TEMPORARY_REDIRECT, path };
    }
    let is_below = |root: &str| {
        let below = below.and_then(|below| below.strip_prefix(root));
        below.filter(|below| below.starts_with('/'))
    };
    if is_below(API_ROOT).is_some() {
        return Destination::Api;
    }
    if is_below(OLD_API_ROOT).is_none() && is_below(OWN_API_ROOT).is_none() {
        match (is_below(RPC_ROOT), asked) {
            (Some(_), Asked::Grpc) => return Destination::NotFound,
            (Some(procedure), Asked::Other) => return Destination::Rpc { path: procedure.into() },
            (None, Asked::Grpc) => return Destination::Rpc { path: path.into() },
            (None, Asked::Other) => {}
        }
    }
    let pages = Pages { prefix };
    if let Some(found) = pages.exact(method, path) {
        return found;
    }
    if path != "/"
        && let Some(path) = pages.similar(method, path)
    {
        let status = match *method {
            Method::GET => StatusCode::MOVED_PERMANENTLY,
            _ => StatusCode::TEMPORARY_REDIRECT,
        };
        return Destination::Redirect { status, path };
    }
    match pages.allowed(path) {
        None => Destination::NotFound,
        Some(allowed) if *method == Method::OPTIONS => Destination::Options { allowed },
        Some(allowed) => Destination::MethodNotAllowed { allowed },
    }
}

impl ApiPath {
    /// The meaning of a path as it was sent: percent signs matter, as an escaped slash does not
    /// separate.
    pub fn parse(path: &str, route_prefix: &str) -> Option<ApiPath> {
        let path = path.strip_prefix(route_prefix.trim_end_matches('/'))?;
        let path = path.strip_prefix(API_ROOT)?.strip_prefix('/')?;
        Some(match path.strip_suffix('/').unwrap_or(path) {
            "status" => ApiPath::Status,
            "receivers" => ApiPath::Receivers,
            "alerts" => ApiPath::Alerts,
            "alerts/groups" => ApiPath::Groups,
            "silences" => ApiPath::Silences,
            other => {
                let id = other.strip_prefix("silence/")?;
                let id = Some(id).filter(|id| !id.is_empty() && !id.contains('/'))?;
                ApiPath::Silence { id: percent_decode_str(id).decode_utf8_lossy().into_owned() }
            }
        })
    }

    /// The label of the HTTP metrics.
    ///
    /// Compat: upstream uses the path as it comes, which lets clients make up series.
    pub fn handler(path: Option<&ApiPath>) -> &'static str {
        match path {
            Some(ApiPath::Status) => "/api/v2/status",
            Some(ApiPath::Receivers) => "/api/v2/receivers",
            Some(ApiPath::Alerts) => "/api/v2/alerts",
            Some(ApiPath::Groups) => "/api/v2/alerts/groups",
            Some(ApiPath::Silences) => "/api/v2/silences",
            Some(ApiPath::Silence { .. }) => "/api/v2/silence/{silenceID}",
            None => "/api/v2/{unknown}",
        }
    }

    pub fn allowed(&self) -> &'static str {
        match self {
            ApiPath::Status | ApiPath::Receivers | ApiPath::Groups => "GET",
            ApiPath::Alerts | ApiPath::Silences => "GET,POST",
            ApiPath::Silence { .. } => "DELETE,GET",
        }
    }
}

struct Pages<'a> {
    prefix: &'a str,
}

struct Entry {
    pattern: &'static str,
    methods: &'static [Method],
    page: Page,
}

impl Pages<'_> {
    fn exact(&self, method: &Method, path: &str) -> Option<Destination> {
        if self.is_above(path) && *method == Method::GET {
            return Some(Destination::Root);
        }
        let entries = ENTRIES.iter().filter(|entry| entry.methods.contains(method));
        let below = path.strip_prefix(self.prefix)?;
        entries
            .into_iter()
            .find(|entry| entry.fits(below).as_deref() == Some(below))
            .map(|entry| Destination::Page(entry.page))
    }

    /// The path that was probably meant.
    fn similar(&self, method: &Method, path: &str) -> Option<String> {
        let toggled = match path.strip_suffix('/') {
            Some(without) => without.to_string(),
            None => format!("{path}/"),
        };
        if self.exact(method, &toggled).is_some() {
            return Some(toggled);
        }
        let split = path.split_at_checked(self.prefix.len())?;
        let without = split.1.strip_suffix('/').filter(|it| !it.is_empty()).unwrap_or(split.1);
        if !split.0.eq_ignore_ascii_case(self.prefix) {
            return None;
        }
        let entries = || ENTRIES.iter().filter(|entry| entry.methods.contains(method));
        let fitting = |below: &str| entries().find_map(|entry| entry.fits(below));
        fitting(split.1)
            .or_else(|| fitting(without))
            .map(|fixed| format!("{}{fixed}", self.prefix))
            .filter(|fixed| fixed != path)
    }

    /// All methods of a path and `OPTIONS`; `None` if there are none.
    fn allowed(&self, path: &str) -> Option<String> {
        let mut methods: Vec<&str> = Vec::new();
        if self.is_above(path) {
            methods.push("GET");
        }
        if let Some(below) = path.strip_prefix(self.prefix) {
            let entries =
                ENTRIES.iter().filter(|entry| entry.fits(below).as_deref() == Some(below));
            methods.extend(entries.flat_map(|entry| entry.methods.iter().map(Method::as_str)));
        }
        if methods.is_empty() {
            return None;
        }
        methods.push("OPTIONS");
        methods.sort_unstable();
        methods.dedup();
        Some(methods.join(", "))
    }

    fn is_above(&self, path: &str) -> bool {
        !self.prefix.is_empty() && path == "/"
    }
}

impl Entry {
    /// The path in the spelling of the pattern, if it fits but for upper and lower case.
    fn fits(&self, path: &str) -> Option<String> {
        let (fixed, rest) = match self.pattern.find(['*', ':']) {
            None => (self.pattern, ""),
            Some(at) => self.pattern.split_at(at),
        };
        let (start, tail) = path.split_at_checked(fixed.len())?;
        let tail_fits = match rest.chars().next() {
            None => tail.is_empty(),
            Some(':') => !tail.is_empty() && !tail.contains('/'),
            Some(_) => true,
        };
        (tail_fits && start.eq_ignore_ascii_case(fixed)).then(|| format!("{fixed}{tail}"))
    }
}

/// The path without `.`, `..` and doubled slashes; a final slash stays.
fn cleaned(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    let mut clean = format!("/{}", kept.join("/"));
    if path.ends_with('/') && clean != "/" {
        clean.push('/');
    }
    clean
}

const fn entry(
    pattern: &'static str,
    methods: &'static [Method],
    kind: PageKind,
    handler: &'static str,
) -> Entry {
    Entry { pattern, methods, page: Page { kind, handler } }
}

const GET: &[Method] = &[Method::GET];
const GET_HEAD: &[Method] = &[Method::GET, Method::HEAD];
const GET_POST: &[Method] = &[Method::GET, Method::POST];
const GET_DELETE: &[Method] = &[Method::GET, Method::DELETE];
const POST: &[Method] = &[Method::POST];

static ENTRIES: [Entry; 17] = [
    entry("/", GET, PageKind::Home, "/"),
    entry("/favicon.ico", GET, PageKind::Asset, "/favicon.ico"),
    entry("/assets/*path", GET, PageKind::Asset, "/assets/*path"),
    entry("/ui", GET, PageKind::Interface, "/ui"),
    entry("/ui/", GET, PageKind::InterfaceRoot, "/ui/"),
    entry("/ui/assets/*path", GET, PageKind::Asset, "/ui/assets/*path"),
    entry("/metrics", GET, PageKind::Metrics, "/metrics"),
    entry("/-/healthy", GET_HEAD, PageKind::Healthy, "/-/healthy"),
    entry("/-/ready", GET_HEAD, PageKind::Ready, "/-/ready"),
    entry("/-/reload", POST, PageKind::Reload, "/-/reload"),
    entry("/debug/*subpath", GET_POST, PageKind::Debug, "/debug/*subpath"),
    entry(RECEIVER_TEST, POST, PageKind::ReceiverTest, RECEIVER_TEST),
    entry("/api/v1/status", GET, PageKind::OldApi, "/status"),
    entry("/api/v1/receivers", GET, PageKind::OldApi, "/receivers"),
    entry("/api/v1/alerts", GET_POST, PageKind::OldApi, "/alerts"),
    entry("/api/v1/silences", GET_POST, PageKind::OldApi, "/silences"),
    entry("/api/v1/silence/:sid", GET_DELETE, PageKind::OldApi, "/silence/:sid"),
];

const API_ROOT: &str = "/api/v2";
const OLD_API_ROOT: &str = "/api/v1";
/// Where procedures are, but for native gRPC, which is at the root whatever the prefix.
const RPC_ROOT: &str = "/api";
const OWN_API_ROOT: &str = "/api/bellwether";

/// Below a root of its own, so that it can never be in the way of a later API of upstream.
const RECEIVER_TEST: &str = "/api/bellwether/v1/receivers/test";

#[cfg(test)]
mod tests;
