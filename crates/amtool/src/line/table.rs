//! The table of commands and flags, in the order in which help lists them.

use super::help_texts as texts;
use super::options::Options;
use crate::server_url::ServerUrl;

/// A flag of the program or of one command.
#[derive(Debug)]
pub struct Flag {
    pub name: &'static str,
    pub short: Option<char>,
    pub help: &'static str,
    pub default: Default,
    /// What help shows for the value; empty: the default, or the name.
    pub placeholder: &'static str,
    pub visibility: Visibility,
    pub need: Need,
    pub target: Target,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    Nothing,
    Text(&'static str),
    /// Who runs the program.
    User,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    Shown,
    Hidden,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Optional,
    Required,
}

/// What a command takes besides flags.
#[derive(Debug)]
pub struct Argument {
    pub name: &'static str,
    pub help: &'static str,
    pub target: Target,
}

#[derive(Debug)]
pub struct Command {
    pub name: &'static str,
    pub help: &'static str,
    /// Whether it is meant if another command's name is missing.
    pub is_default: bool,
    /// Whether it cannot do without `--alertmanager.url`.
    pub needs_server: bool,
    pub flags: &'static [Flag],
    pub arguments: &'static [Argument],
    pub commands: &'static [Command],
    /// What it does; `None` if one of its own commands must be named.
    pub action: Option<Action>,
}

/// What is done once everything has been parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Help,
    AlertQuery,
    AlertAdd,
    SilenceAdd,
    SilenceExpire,
    SilenceImport,
    SilenceQuery,
    SilenceUpdate,
    CheckConfig,
    ClusterShow,
    ConfigShow,
    RoutesShow,
    RoutesTest,
    TemplateRender,
}

/// Where a value goes, which also determines its syntax.
#[derive(Clone, Copy)]
pub enum Target {
    Text(fn(&mut Options) -> &mut String),
    /// May be repeated.
    Texts(fn(&mut Options) -> &mut Vec<String>),
    Switch(fn(&mut Options) -> &mut bool),
    /// Is done while arguments are looked at, before anything else.
    Print(Print),
    Duration(fn(&mut Options) -> &mut i64),
    Count(fn(&mut Options) -> &mut i64),
    Choice(&'static [&'static str], fn(&mut Options) -> &mut String),
    /// The name of a file that exists.
    File(fn(&mut Options) -> &mut String),
    /// Names of files that exist.
    Files(fn(&mut Options) -> &mut Vec<String>),
    /// The name of a file that can be read.
    ReadableFile(fn(&mut Options) -> &mut String),
    Url(fn(&mut Options) -> &mut Option<ServerUrl>),
}

/// What a flag prints instead of a command being run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Print {
    Help,
    LongHelp,
    Manual,
    BashScript,
    ZshScript,
    Version,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_switch() { "switch" } else { "value" })
    }
}

impl Target {
    /// Whether it takes no value.
    pub fn is_switch(&self) -> bool {
        matches!(self, Target::Switch(_) | Target::Print(_))
    }

    pub fn is_repeatable(&self) -> bool {
        matches!(self, Target::Texts(_) | Target::Files(_))
    }

    /// The values that it can have, if they are few.
    pub fn choices(&self) -> &'static [&'static str] {
        match self {
            Target::Choice(choices, _) => choices,
            Target::Text(_)
            | Target::Texts(_)
            | Target::Switch(_)
            | Target::Print(_)
            | Target::Duration(_)
            | Target::Count(_)
            | Target::File(_)
            | Target::Files(_)
            | Target::ReadableFile(_)
            | Target::Url(_) => &[],
        }
    }
}

impl Flag {
    const fn new(name: &'static str, target: Target, help: &'static str) -> Self {
        Flag {
            name,
            short: None,
            help,
            default: Default::Nothing,
            placeholder: "",
            visibility: Visibility::Shown,
            need: Need::Optional,
            target,
        }
    }

    const fn short(self, letter: char) -> Self {
        Flag { short: Some(letter), ..self }
    }

    const fn default(self, text: &'static str) -> Self {
        Flag { default: Default::Text(text), ..self }
    }

    const fn hidden(self) -> Self {
        Flag { visibility: Visibility::Hidden, ..self }
    }

    const fn required(self) -> Self {
        Flag { need: Need::Required, ..self }
    }

    pub fn is_shown(&self) -> bool {
        self.visibility == Visibility::Shown
    }

    /// Whether it belongs to every program of this kind, and help does not count it.
    pub fn is_builtin(&self) -> bool {
        self.name == "completion-bash"
            || matches!(self.target, Target::Print(print) if print != Print::Version)
    }
}

impl Command {
    const EMPTY: Command = Command {
        name: "",
        help: "",
        is_default: false,
        needs_server: false,
        flags: &[],
        arguments: &[],
        commands: &[],
        action: None,
    };
}

/// The program itself.
pub static PROGRAM: Command = Command {
    name: "amtool",
    help: texts::PROGRAM,
    flags: PROGRAM_FLAGS,
    commands: &[HELP, ALERT, SILENCE, CHECK_CONFIG, CLUSTER, CONFIG, TEMPLATE],
    ..Command::EMPTY
};

const fn text(name: &'static str, at: fn(&mut Options) -> &mut String, help: &'static str) -> Flag {
    Flag::new(name, Target::Text(at), help)
}

const fn switch(name: &'static str, at: fn(&mut Options) -> &mut bool, help: &'static str) -> Flag {
    Flag::new(name, Target::Switch(at), help)
}

const fn print(name: &'static str, print: Print, help: &'static str) -> Flag {
    Flag::new(name, Target::Print(print), help)
}

const OUTPUTS: &[&str] = &["simple", "extended", "json"];

const PROGRAM_FLAGS: &[Flag] = &[
    print(
        "help",
        Print::Help,
        "Show context-sensitive help (also try --help-long and --help-man).",
    )
    .short('h'),
    print("help-long", Print::LongHelp, "Generate long help.").hidden(),
    print("help-man", Print::Manual, "Generate a man page.").hidden(),
    switch(
        "completion-bash",
        |o| &mut o.completes,
        "Output possible completions for the given args.",
    )
    .hidden(),
    print("completion-script-bash", Print::BashScript, "Generate completion script for bash.")
        .hidden(),
    print("completion-script-zsh", Print::ZshScript, "Generate completion script for ZSH.")
        .hidden(),
    text("date.format", |o| &mut o.date_format, "Format of date output")
        .default("2006-01-02 15:04:05 MST"),
    switch("verbose", |o| &mut o.verbose, "Verbose running information").short('v'),
    Flag::new("alertmanager.url", Target::Url(|o| &mut o.url), "Alertmanager to talk to"),
    Flag::new(
        "output",
        Target::Choice(OUTPUTS, |o| &mut o.output),
        "Output formatter (simple, extended, json)",
    )
    .short('o')
    .default("simple"),
    Flag::new("timeout", Target::Duration(|o| &mut o.timeout), "Timeout for the executed command")
        .default("30s"),
    Flag {
        placeholder: "<filename>",
        ..Flag::new(
            "http.config.file",
            Target::File(|o| &mut o.http_config_file),
            "HTTP client configuration file for amtool to connect to Alertmanager.",
        )
    },
    switch(
        "version-check",
        |o| &mut o.version_check,
        "Check alertmanager version. Use --no-version-check to disable.",
    )
    .default("true"),
    text("enable-feature", |o| &mut o.features, texts::FEATURES).default(""),
    print("version", Print::Version, "Show application version."),
];

const HELP: Command = Command {
    name: "help",
    help: "Show help.",
    arguments: &[words("command", "Show help on command.")],
    action: Some(Action::Help),
    ..Command::EMPTY
};

const fn words(name: &'static str, help: &'static str) -> Argument {
    Argument { name, help, target: Target::Texts(|o| &mut o.words) }
}

const START_HELP_OF_ALERT: &str =
    "Set when the alert should start. RFC3339 format 2006-01-02T15:04:05-07:00";
const END_HELP_OF_ALERT: &str =
    "Set when the alert should end. RFC3339 format 2006-01-02T15:04:05-07:00";

const ALERT: Command = Command {
    name: "alert",
    help: "Add or query alerts.",
    needs_server: true,
    commands: &[
        Command {
            name: "query",
            help: texts::ALERT_QUERY,
            is_default: true,
            flags: &[
                switch("inhibited", |o| &mut o.inhibited, "Show inhibited alerts").short('i'),
                switch("silenced", |o| &mut o.silenced, "Show silenced alerts").short('s'),
                switch("active", |o| &mut o.active, "Show active alerts").short('a'),
                switch("unprocessed", |o| &mut o.unprocessed, "Show unprocessed alerts").short('u'),
                text(
                    "receiver",
                    |o| &mut o.receiver,
                    "Show alerts matching receiver (Supports regex syntax)",
                )
                .short('r'),
            ],
            arguments: &[words("matcher-groups", "Query filter")],
            action: Some(Action::AlertQuery),
            ..Command::EMPTY
        },
        Command {
            name: "add",
            help: texts::ALERT_ADD,
            flags: &[
                text(
                    "generator-url",
                    |o| &mut o.generator_url,
                    "Set the URL of the source that generated the alert",
                ),
                text("start", |o| &mut o.start, START_HELP_OF_ALERT),
                text("end", |o| &mut o.end, END_HELP_OF_ALERT),
                Flag::new(
                    "annotation",
                    Target::Texts(|o| &mut o.annotations),
                    "Set an annotation to be included with the alert",
                ),
            ],
            arguments: &[words("labels", "List of labels to be included with the alert")],
            action: Some(Action::AlertAdd),
            ..Command::EMPTY
        },
    ],
    ..Command::EMPTY
};

const START_HELP: &str =
    "Set when the silence should start. RFC3339 format 2006-01-02T15:04:05-07:00";
const END_HELP: &str = "Set when the silence should end (overwrites duration). RFC3339 format \
                        2006-01-02T15:04:05-07:00";
const COMMENT_HELP: &str = "A comment to help describe the silence";

const SILENCE: Command = Command {
    name: "silence",
    help: "Add, expire or view silences. For more information and additional flags see query help",
    needs_server: true,
    commands: &[SILENCE_ADD, SILENCE_EXPIRE, SILENCE_IMPORT, SILENCE_QUERY, SILENCE_UPDATE],
    ..Command::EMPTY
};

const SILENCE_ADD: Command = Command {
    name: "add",
    help: texts::SILENCE_ADD,
    flags: &[
        Flag {
            default: Default::User,
            ..text("author", |o| &mut o.author, "Username for CreatedBy field").short('a')
        },
        switch("require-comment", |o| &mut o.require_comment, "Require comment to be set")
            .hidden()
            .default("true"),
        text("duration", |o| &mut o.duration, "Duration of silence").short('d').default("1h"),
        text("start", |o| &mut o.start, START_HELP),
        text("end", |o| &mut o.end, END_HELP),
        text("comment", |o| &mut o.comment, COMMENT_HELP).short('c'),
        Flag::new(
            "annotation",
            Target::Texts(|o| &mut o.annotations),
            "Set an annotation to be included with the silence",
        ),
    ],
    arguments: &[words("matcher-groups", "Query filter")],
    action: Some(Action::SilenceAdd),
    ..Command::EMPTY
};

const SILENCE_EXPIRE: Command = Command {
    name: "expire",
    help: "expire an alertmanager silence",
    arguments: &[words("silence-ids", "Ids of silences to expire")],
    action: Some(Action::SilenceExpire),
    ..Command::EMPTY
};

const SILENCE_IMPORT: Command = Command {
    name: "import",
    help: texts::SILENCE_IMPORT,
    flags: &[
        switch("force", |o| &mut o.force, "Force adding new silences even if it already exists")
            .short('f'),
        Flag::new(
            "worker",
            Target::Count(|o| &mut o.workers),
            "Number of concurrent workers to use for import",
        )
        .short('w')
        .default("8"),
    ],
    arguments: &[Argument {
        name: "input-file",
        help: "JSON file with silences",
        target: Target::File(|o| &mut o.input_file),
    }],
    action: Some(Action::SilenceImport),
    ..Command::EMPTY
};

const SILENCE_QUERY: Command = Command {
    name: "query",
    help: texts::SILENCE_QUERY,
    is_default: true,
    flags: &[
        switch("expired", |o| &mut o.expired, "Show expired silences instead of active"),
        switch("quiet", |o| &mut o.quiet, "Only show silence ids").short('q'),
        text("created-by", |o| &mut o.created_by, "Show silences that belong to this creator"),
        text("id", |o| &mut o.id, "Get a single silence by its ID"),
        Flag::new(
            "within",
            Target::Duration(|o| &mut o.within),
            "Show silences that will expire or have expired within a duration",
        ),
    ],
    arguments: &[words("matcher-groups", "Query filter")],
    action: Some(Action::SilenceQuery),
    ..Command::EMPTY
};

const SILENCE_UPDATE: Command = Command {
    name: "update",
    help: "Update silences",
    flags: &[
        switch("quiet", |o| &mut o.quiet, "Only show silence ids").short('q'),
        text("duration", |o| &mut o.duration, "Duration of silence").short('d'),
        text("start", |o| &mut o.start, START_HELP),
        text("end", |o| &mut o.end, END_HELP),
        text("comment", |o| &mut o.comment, COMMENT_HELP).short('c'),
    ],
    arguments: &[words("update-ids", "Silence IDs to update")],
    action: Some(Action::SilenceUpdate),
    ..Command::EMPTY
};

const CHECK_CONFIG: Command = Command {
    name: "check-config",
    help: texts::CHECK_CONFIG,
    arguments: &[Argument {
        name: "check-files",
        help: "Files to be validated",
        target: Target::Files(|o| &mut o.check_files),
    }],
    action: Some(Action::CheckConfig),
    ..Command::EMPTY
};

const CLUSTER: Command = Command {
    name: "cluster",
    help: texts::CLUSTER,
    commands: &[Command {
        name: "show",
        help: texts::CLUSTER,
        is_default: true,
        needs_server: true,
        action: Some(Action::ClusterShow),
        ..Command::EMPTY
    }],
    ..Command::EMPTY
};

const CONFIG: Command = Command {
    name: "config",
    help: texts::CONFIG,
    commands: &[
        Command {
            name: "show",
            help: texts::CONFIG,
            is_default: true,
            needs_server: true,
            action: Some(Action::ConfigShow),
            ..Command::EMPTY
        },
        Command {
            name: "routes",
            help: texts::ROUTES,
            flags: &[Flag::new(
                "config.file",
                Target::File(|o| &mut o.config_file),
                "Config file to be tested.",
            )],
            commands: &[
                Command {
                    name: "show",
                    help: texts::ROUTES,
                    is_default: true,
                    action: Some(Action::RoutesShow),
                    ..Command::EMPTY
                },
                Command {
                    name: "test",
                    help: texts::ROUTES_TEST,
                    flags: &[
                        text(
                            "verify.receivers",
                            |o| &mut o.expected_receivers,
                            texts::VERIFY_RECEIVERS,
                        ),
                        switch("tree", |o| &mut o.tree, "Prints out matching routes tree."),
                    ],
                    arguments: &[words(
                        "labels",
                        "List of labels to be tested against the configured routes.",
                    )],
                    action: Some(Action::RoutesTest),
                    ..Command::EMPTY
                },
            ],
            ..Command::EMPTY
        },
    ],
    ..Command::EMPTY
};

const TEMPLATE: Command = Command {
    name: "template",
    help: "Render template files.",
    commands: &[Command {
        name: "render",
        help: "Render a given definition in a template file to standard output.",
        flags: &[
            Flag::new(
                "template.glob",
                Target::Texts(|o| &mut o.template_globs),
                "Glob of paths that will be expanded and used for rendering.",
            )
            .required(),
            text("template.text", |o| &mut o.template_text, "The template that will be rendered.")
                .required(),
            Flag::new(
                "template.type",
                Target::Choice(&["html", "text"], |o| &mut o.template_type),
                "The type of the template. Can be either text (default) or html.",
            ),
            Flag::new(
                "template.data",
                Target::ReadableFile(|o| &mut o.template_data),
                texts::TEMPLATE_DATA,
            ),
        ],
        action: Some(Action::TemplateRender),
        ..Command::EMPTY
    }],
    ..Command::EMPTY
};
