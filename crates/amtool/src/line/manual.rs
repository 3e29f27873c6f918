//! What `--help-man` prints: a manual page in troff.

use super::table::{Command, Flag, PROGRAM};
use super::usage::{Page, leaves};

/// The page; `version` is what `--version` prints, without a line feed at its end.
pub fn manual(page: &Page<'_>, version: &str) -> String {
    let mut out = format!(
        ".TH amtool 1 {version} \"\"\n.SH \"NAME\"\namtool\n.SH \"SYNOPSIS\"\n.TP\n\\fBamtool{} \
         <command> [<args> ...]\\fR\n\n.SH \"DESCRIPTION\"\n{}\n.SH \"OPTIONS\"\n",
        page.synopsis(&PROGRAM),
        PROGRAM.help
    );
    push_flags(&mut out, page, &PROGRAM);
    out.push_str(".SH \"COMMANDS\"\n");
    for (name, command) in leaves() {
        let synopsis = page.synopsis(command);
        out.push_str(&format!(".SS\n\\fB{name}{synopsis}\\fR\n.PP\n{}\n", command.help));
        push_flags(&mut out, page, command);
    }
    out
}

fn push_flags(out: &mut String, page: &Page<'_>, command: &'static Command) {
    for flag in command.flags.iter().filter(|flag| flag.is_shown()) {
        let help = flag.help;
        out.push_str(&format!(".TP\n\\fB{}\\fR\n{help}\n", synopsis(page, flag)));
    }
}

fn synopsis(page: &Page<'_>, flag: &'static Flag) -> String {
    let short = flag.short.map(|letter| format!("-{letter}, ")).unwrap_or_default();
    let name = flag.name;
    match flag.target.is_switch() {
        true => format!("{short}--{name}"),
        false => format!("{short}--{name}={}", page.placeholder(flag)),
    }
}
