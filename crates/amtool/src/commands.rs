//! The commands, each from options to what is printed.

mod alert;
mod check_config;
mod import;
mod routes;
mod silence;
mod status;
mod template;

use std::path::Path;
use std::time::Duration;

use bellwether_config::{decode, parse_http_config, resolve_http_paths};
use bellwether_integrations::http::HttpConfig;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::api::{Api, ApiError, Call, GET_STATUS, Travel, usual_http_config};
use crate::files;
use crate::line::Options;
use crate::line::table::Action;
use crate::log;
use crate::matchers::{Syntax, features};
use crate::output::{Format, Missing, Style};
use crate::surroundings::Surroundings;
use crate::wire::Status;

/// One command under way.
pub struct Session<'s, 'a> {
    pub options: Options,
    pub syntax: Syntax,
    pub around: &'s mut Surroundings<'a>,
    /// When the command has taken long enough.
    deadline: Instant,
}

/// Why the program ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The message is followed by an empty line.
    Failed(String),
    /// It is not.
    Fatal(String),
    /// Everything has been said.
    Printed(u8),
}

/// Runs a command.
pub fn run(action: Action, session: Session<'_, '_>) -> Result<(), Stop> {
    match action {
        // It has been answered before.
        Action::Help => Ok(()),
        Action::AlertQuery => alert::query(session),
        Action::AlertAdd => alert::add(session),
        Action::SilenceAdd => silence::add(session),
        Action::SilenceExpire => silence::expire(session),
        Action::SilenceImport => import::import(session),
        Action::SilenceQuery => silence::query(session),
        Action::SilenceUpdate => silence::update(session),
        Action::CheckConfig => check_config::check(session),
        Action::ClusterShow => status::cluster(session),
        Action::ConfigShow => status::config(session),
        Action::RoutesShow => routes::show(session),
        Action::RoutesTest => routes::test(session),
        Action::TemplateRender => template::render(session),
    }
}

impl<'s, 'a> Session<'s, 'a> {
    /// # Errors
    /// If a feature is unknown.
    pub fn new(options: Options, around: &'s mut Surroundings<'a>) -> Result<Self, Stop> {
        let (mode, notes) = features(&options.features);
        for note in notes {
            let fields = [("msg", note.text)];
            let line = log::line(around.now, note.level, note.source, &fields);
            around.print(&line);
        }
        let mode = mode.map_err(|reason| {
            Stop::Failed(format!("error parsing the feature flag list: {reason}"))
        })?;
        let timeout = Duration::from_nanos(u64::try_from(options.timeout).unwrap_or_default());
        let syntax = Syntax { mode, is_verbose: options.verbose };
        Ok(Session { options, syntax, around, deadline: Instant::now() + timeout })
    }

    pub fn style(&self) -> Style<'_> {
        Style {
            format: Format::parse(&self.options.output).unwrap_or(Format::Simple),
            dates: &self.options.date_format,
            place: &self.around.place,
        }
    }

    /// A client; says so if the server is of another version.
    pub async fn connect(&mut self) -> Result<Api, Stop> {
        let Some(url) = self.options.url.clone() else {
            let message = "failed to get Alertmanager configuration";
            return Err(Stop::Failed(message.to_owned()));
        };
        let file = &self.options.http_config_file;
        if url.user.is_some() && !file.is_empty() {
            let message = "basic authentication and http.config.file are mutually exclusive";
            return Err(Stop::Fatal(message.to_owned()));
        }
        let http = match file.as_str() {
            "" => usual_http_config(),
            file => read_http_config(file).map_err(|reason| {
                Stop::Fatal(format!("failed to load HTTP config file: {reason}"))
            })?,
        };
        let user_agent = format!("amtool/{}", self.around.version.number);
        let travel = Travel { http, deadline: self.deadline, user_agent };
        let api = Api::new(&url, &travel)
            .map_err(|error| Stop::Fatal(format!("failed to create a new HTTP client: {error}")))?;
        if self.options.version_check {
            self.compare_versions(&api).await;
        }
        Ok(api)
    }

    /// A server that does not say its version is fine.
    async fn compare_versions(&mut self, api: &Api) {
        let status: Result<Status, ApiError> = api.read(GET_STATUS, Call::default()).await;
        let Some(theirs) =
            status.ok().and_then(|status| status.version).and_then(|version| version.version)
        else {
            return;
        };
        let ours = self.around.version.number.clone();
        if major_minor(&theirs) != major_minor(&ours) {
            self.around.warn(&format!(
                "Warning: amtool version ({ours}) and alertmanager version ({theirs}) are \
                 different.\n"
            ));
        }
    }
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Stop::Failed(error.text)
    }
}

impl From<Missing> for Stop {
    fn from(missing: Missing) -> Self {
        Stop::Failed(missing.to_string())
    }
}

impl From<String> for Stop {
    fn from(message: String) -> Self {
        Stop::Failed(message)
    }
}

/// Where requests are sent and waited for.
fn runtime() -> Result<Runtime, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Stop::Failed(error.to_string()))
}

/// Paths in the file are relative to it.
fn read_http_config(path: &str) -> Result<HttpConfig, String> {
    let bytes = files::read_bytes(path)?;
    let text = decode(&bytes).map_err(|error| format!("{path} is {error}"))?;
    let mut http = parse_http_config(&text).map_err(|errors| errors.to_string())?;
    resolve_http_paths(&mut http, Path::new(path).parent().unwrap_or(Path::new("")));
    Ok(http)
}

/// `0.35` of `0.35.1`; nothing of what is no version.
fn major_minor(version: &str) -> Option<(u64, u64)> {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let mut numbers = core.split('.');
    let mut number = || {
        let text = numbers.next()?;
        let is_plain = text == "0" || !text.starts_with('0');
        text.parse().ok().filter(|_| is_plain)
    };
    Some((number()?, number().unwrap_or_default()))
}
