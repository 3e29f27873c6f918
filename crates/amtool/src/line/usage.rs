//! What `--help`, `help` and `--help-long` print.

use super::defaults::Defaults;
use super::doc_text::{Setting, shown};
use super::elements::Invocation;

use super::table::{Argument, Command, Flag, Need, PROGRAM, Target};

/// How help is set.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    pub defaults: &'a Defaults,
    /// Of the screen.
    pub width: i64,
}

impl Page<'_> {
    /// The help about the command that is meant, or about the program.
    pub fn help(&self, invocation: &Invocation) -> String {
        let mut out = match invocation.command() {
            Some(command) => {
                format!("usage: amtool {}{}\n", invocation.full_name(), self.usage(command))
            }
            None => format!("usage: amtool{}\n", self.usage(&PROGRAM)),
        };
        self.push_given(&mut out, invocation);
        match invocation.command() {
            Some(command) if !command.commands.is_empty() => {
                out.push_str(&format!("Commands:\n  {}\n", invocation.full_name()));
                let depth = invocation.path.len() + 1;
                self.push_commands(&mut out, command.commands, depth);
                out.push('\n');
            }
            Some(_) => {}
            None => {
                out.push_str("Commands:\n");
                self.push_commands(&mut out, PROGRAM.commands, 1);
                out.push('\n');
            }
        }
        out
    }

    /// The help about everything.
    pub fn long_help(&self, invocation: &Invocation) -> String {
        let mut out = format!("usage: amtool{}\n", self.usage(&PROGRAM));
        self.push_given(&mut out, invocation);
        out.push_str("Commands:\n");
        for (name, command) in leaves() {
            out.push_str(&name);
            out.push_str(&self.synopsis(command));
            out.push('\n');
            out.push_str(&self.wrapped(command.help, 4));
            out.push('\n');
            out.push_str(&columns(&self.flag_rows(command.flags.iter()), 4, 2, self.width));
            out.push('\n');
        }
        out.push('\n');
        out
    }

    /// What follows the command's name: ` [<flags>] [<labels>...]`.
    pub fn synopsis(&self, command: &'static Command) -> String {
        let mut out = String::new();
        let counted = command.flags.iter().filter(|flag| !flag.is_builtin()).count();
        let required = command.flags.iter().filter(|flag| flag.need == Need::Required);
        let mut listed = 0;
        for flag in required {
            out.push_str(&format!(" --{}={}", flag.name, self.placeholder(flag)));
            listed += 1;
        }
        if listed != counted {
            out.push_str(" [<flags>]");
        }
        for argument in command.arguments {
            let dots = if argument.target.is_repeatable() { "..." } else { "" };
            out.push_str(&format!(" [<{}>{dots}]", argument.name));
        }
        out
    }

    pub fn placeholder(&self, flag: &'static Flag) -> String {
        if !flag.placeholder.is_empty() {
            return flag.placeholder.to_owned();
        }
        match (self.defaults.of(flag), &flag.target) {
            (None, _) => flag.name.to_uppercase(),
            (Some(text), Target::Text(_)) => bellwether_model::quote::quoted(text),
            (Some(text), _) => text.to_owned(),
        }
    }

    fn usage(&self, command: &'static Command) -> String {
        let more = if command.commands.is_empty() { "" } else { " <command> [<args> ...]" };
        let mut out = format!("{}{more}\n", self.synopsis(command));
        if !command.help.is_empty() {
            out.push('\n');
            out.push_str(&self.wrapped(command.help, 0));
        }
        out
    }

    fn push_given(&self, out: &mut String, invocation: &Invocation) {
        out.push_str("Flags:\n");
        let rows = self.flag_rows(invocation.flags.iter().copied());
        out.push_str(&columns(&rows, 2, 2, self.width));
        out.push('\n');
        if !invocation.arguments.is_empty() {
            out.push_str("Args:\n");
            let row =
                |argument: &&Argument| (format!("[<{}>]", argument.name), argument.help.to_owned());
            let rows: Vec<_> = invocation.arguments.iter().map(row).collect();
            out.push_str(&columns(&rows, 2, 2, self.width));
            out.push('\n');
        }
    }

    fn push_commands(&self, out: &mut String, commands: &'static [Command], depth: usize) {
        for command in commands {
            let mark = if command.is_default { "*" } else { "" };
            out.push_str(&"  ".repeat(depth));
            out.push_str(&format!("{}{mark}{}\n", command.name, self.synopsis(command)));
            self.push_commands(out, command.commands, depth + 1);
        }
    }

    fn wrapped(&self, text: &str, indent: usize) -> String {
        let prefix = " ".repeat(indent);
        let code_prefix = format!("  {prefix}");
        let width = self.width - indent as i64;
        shown(text, &Setting { prefix: &prefix, code_prefix: &code_prefix, width })
    }

    fn flag_rows(
        &self,
        flags: impl Iterator<Item = &'static Flag> + Clone,
    ) -> Vec<(String, String)> {
        let any_short = flags.clone().any(|flag| flag.short.is_some());
        let row = |flag: &'static Flag| (self.flag(flag, any_short), flag.help.to_owned());
        flags.filter(|flag| flag.is_shown()).map(row).collect()
    }

    /// `-o, --output=simple`
    fn flag(&self, flag: &'static Flag, any_short: bool) -> String {
        let short = match flag.short {
            Some(letter) => format!("-{letter}, "),
            None if any_short => "    ".to_owned(),
            None => String::new(),
        };
        let name = flag.name;
        if flag.target.is_switch() {
            return format!("{short}--[no-]{name}");
        }
        let dots = if flag.target.is_repeatable() { " ..." } else { "" };
        format!("{short}--{name}={}{dots}", self.placeholder(flag))
    }
}

/// All commands that have none of their own, with their full names.
pub fn leaves() -> Vec<(String, &'static Command)> {
    fn collect(
        commands: &'static [Command],
        outer: &str,
        found: &mut Vec<(String, &'static Command)>,
    ) {
        for command in commands {
            let name = format!("{outer}{}", command.name);
            if command.commands.is_empty() {
                found.push((name, command));
            } else {
                collect(command.commands, &format!("{name} "), found);
            }
        }
    }
    let mut found = Vec::new();
    collect(PROGRAM.commands, "", &mut found);
    found
}

/// Two columns; the second begins on the next line if the first is too wide.
fn columns(rows: &[(String, String)], indent: usize, padding: usize, width: i64) -> String {
    let widths = rows.iter().map(|(left, _)| left.len()).filter(|width| *width < LEFT_MAX);
    let left_width = widths.max().unwrap_or_default();
    let margin = " ".repeat(indent);
    let offset = " ".repeat(left_width + padding);
    let mut out = String::new();
    for (left, right) in rows {
        let width = width - (left_width + padding + indent) as i64;
        let text = shown(right, &Setting { prefix: "", code_prefix: "  ", width });
        out.push_str(&format!("{margin}{left:left_width$}{}", " ".repeat(padding)));
        if left.len() >= LEFT_MAX {
            out.push_str(&format!("\n{margin}{offset}"));
        }
        for (index, line) in text.trim_end_matches('\n').split('\n').enumerate() {
            if index > 0 {
                out.push_str(&format!("{margin}{offset}"));
            }
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// From this width on, what is left stands on a line of its own.
const LEFT_MAX: usize = 30;
