//! What a shell is offered to complete a line with: by scripts, and by `--completion-bash`, which they
//! call.

use super::elements::{Element, Invocation};
use super::table::{Command, PROGRAM};

/// For bash.
pub const BASH_SCRIPT: &str = r#"
_amtool_bash_autocomplete() {
    local cur prev opts base
    COMPREPLY=()
    cur="${COMP_WORDS[COMP_CWORD]}"
    opts=$( ${COMP_WORDS[0]} --completion-bash "${COMP_WORDS[@]:1:$COMP_CWORD}" )
    COMPREPLY=( $(compgen -W "${opts}" -- ${cur}) )
    return 0
}
complete -F _amtool_bash_autocomplete -o default amtool

"#;

/// For zsh.
pub const ZSH_SCRIPT: &str = r#"#compdef amtool

_amtool() {
    local matches=($(${words[1]} --completion-bash "${(@)words[2,$CURRENT]}"))
    compadd -a matches

    if [[ $compstate[nmatches] -eq 0 && $words[$CURRENT] != -* ]]; then
        _files
    fi
}

if [[ "$(basename -- ${(%):-%x})" != "_amtool" ]]; then
    compdef _amtool amtool
fi
"#;

/// What could stand at the end of the arguments, of which the first is `--completion-bash` itself.
pub fn completions(invocation: &Invocation, arguments: &[String]) -> Vec<String> {
    let rest = if arguments.len() > 1 { &arguments[1..] } else { arguments };
    let (current, previous) = match (arguments.len(), rest) {
        (0 | 1, _) => ("", ""),
        (2, [.., current]) => (current.as_str(), ""),
        (_, [.., previous, current]) => (current.as_str(), previous.as_str()),
        (_, _) => ("", ""),
    };
    let command = invocation.command().unwrap_or(&PROGRAM);
    if !current.starts_with("--") && !previous.starts_with("--") {
        return commands(command, invocation);
    }
    if invocation.only_arguments {
        return Vec::new();
    }
    let (name, value) = match (previous.strip_prefix("--"), current.strip_prefix("--")) {
        (Some(name), None) => (name, current),
        (_, Some(name)) => (name, ""),
        (None, None) => ("", ""),
    };
    match flags(command, name, value) {
        Flags::Complete => commands(command, invocation),
        Flags::Values(values) => values,
        Flags::Names(mut names) => {
            if invocation.command().is_some() {
                match flags(&PROGRAM, name, value) {
                    Flags::Complete => return commands(command, invocation),
                    Flags::Values(values) => return values,
                    Flags::Names(more) => names.extend(more),
                }
            }
            names
        }
    }
}

enum Flags {
    /// The flag and its value are there.
    Complete,
    Values(Vec<String>),
    Names(Vec<String>),
}

fn flags(command: &Command, name: &str, value: &str) -> Flags {
    if let Some(flag) = command.flags.iter().find(|flag| flag.name == name) {
        let choices = flag.target.choices();
        let is_begun = |choice: &&&str| **choice != value && choice.starts_with(value);
        let is_given = choices.contains(&value) && choices.iter().find(is_begun).is_none();
        return match choices.is_empty() || is_given {
            true => Flags::Complete,
            false => Flags::Values(choices.iter().map(|choice| (*choice).to_owned()).collect()),
        };
    }
    let shown = command.flags.iter().filter(|flag| flag.is_shown());
    Flags::Names(shown.map(|flag| format!("--{}", flag.name)).collect())
}

/// Names of commands, unless an argument is to be completed.
fn commands(command: &Command, invocation: &Invocation) -> Vec<String> {
    let mut offered: Vec<&str> = Vec::new();
    let mut satisfied = 0;
    let mut is_all = false;
    for element in &invocation.elements {
        match element {
            Element::Argument(argument, value) => {
                is_all = false;
                offered.clear();
                if !value.is_empty() && !argument.target.is_repeatable() {
                    satisfied += 1;
                    is_all = true;
                }
            }
            Element::Command { alternatives, .. } => offered.extend(alternatives),
            Element::Flag(..) => {}
        }
    }
    if satisfied >= command.arguments.len() || is_all {
        offered.extend(command.commands.iter().map(|command| command.name));
    }
    offered.into_iter().map(str::to_owned).collect()
}
