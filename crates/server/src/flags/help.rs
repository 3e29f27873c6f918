//! The texts that are printed instead of starting: usage, man page, version.

use super::table::{Flag, TABLE, Target};
use crate::version;

const SCREEN_WIDTH: usize = 80;
const HELP_COLUMN: usize = 31;

/// What `--help` prints.
pub fn usage(program: &str) -> String {
    let mut out = format!("usage: {program} [<flags>]\n\n\nFlags:\n");
    entry(&mut out, "  -h, --[no-]help", "Show what can be set (also try --help-man).");
    for flag in TABLE {
        entry(&mut out, &format!("      {}", synopsis(flag)), flag.help);
    }
    entry(&mut out, "      --[no-]version", "Show the version and where it comes from.");
    out
}

/// What `--help-man` prints: a manual page in troff.
pub fn man_page(program: &str) -> String {
    let mut out = format!(
        ".TH {program} 1 {} \"\"\n.SH \"NAME\"\n{program}\n.SH \"SYNOPSIS\"\n.TP\n\
         \\fB{program} [<flags>]\\fR\n.SH \"OPTIONS\"\n",
        version::COMPATIBLE
    );
    for flag in TABLE {
        out.push_str(&format!(".TP\n\\fB{}\\fR\n{}\n", synopsis(flag), flag.help));
    }
    out
}

/// What `--version` prints. As `alertmanager` and `amtool` the first line is the one that tools look
/// for.
pub fn version_text(program: &str) -> String {
    let number = match program {
        "alertmanager" | "amtool" => version::COMPATIBLE,
        _ => version::OWN,
    };
    format!(
        "{program}, version {number} (branch: {}, revision: {})\n  \
         build user:       {}\n  build date:       {}\n  go version:       {}\n  \
         platform:         {}/{}\n  tags:             {}\n",
        version::BRANCH,
        version::REVISION,
        version::BUILD_USER,
        version::BUILD_DATE,
        version::GO_VERSION,
        version::OS,
        version::ARCHITECTURE,
        version::TAGS,
    )
}

/// `--config.file="alertmanager.yml"`, with the mark of those that repeat.
fn synopsis(flag: &Flag) -> String {
    let Flag { name, default, .. } = flag;
    let placeholder = name.to_uppercase();
    match flag.target {
        Target::Switch(_) => format!("--[no-]{name}"),
        Target::Texts(_) if default.is_empty() => format!("--{name}={placeholder} ..."),
        Target::Texts(_) => format!("--{name}={default} ..."),
        Target::Text(_) if default.is_empty() => format!("--{name}={placeholder}"),
        Target::Text(_) => format!("--{name}={default:?}"),
        Target::Duration(_)
        | Target::Count(_)
        | Target::Integer(_)
        | Target::Ratio(_)
        | Target::Level(_)
        | Target::Format(_) => format!("--{name}={default}"),
    }
}

/// One entry in two columns; the second begins on the next line if the first is too wide.
fn entry(out: &mut String, left: &str, right: &str) {
    out.push_str(left);
    let mut column = left.len();
    if column + 2 > HELP_COLUMN {
        out.push('\n');
        column = 0;
    }
    out.push_str(&" ".repeat(HELP_COLUMN - column));
    column = HELP_COLUMN;
    for (number, word) in right.split_whitespace().enumerate() {
        if number > 0 && column + 1 + word.len() > SCREEN_WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(HELP_COLUMN));
            column = HELP_COLUMN;
        } else if number > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    out.push('\n');
}
