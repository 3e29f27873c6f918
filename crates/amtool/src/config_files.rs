//! The configuration files: defaults of flags.
//!
//! In: where they are, which the environment decides. Out: names of flags and values. Of the user's
//! file and the system's, the user's wins name by name.

use std::fs;
use std::io;
use std::path::Path;

use bellwether_config::{decode, parse_settings};

use crate::files;
use crate::line::table::{Flag, PROGRAM};
use crate::line::{Defaults, Invocation};

/// Reads both files; one that is not there says nothing.
///
/// # Errors
/// If one cannot be read, or is not a flat map.
pub fn read(variable: &dyn Fn(&str) -> Option<String>) -> Result<Vec<(String, String)>, String> {
    let mut found: Vec<(String, String)> = Vec::new();
    for path in paths(variable) {
        if fs::metadata(&path).is_err_and(|error| error.kind() != io::ErrorKind::IsADirectory) {
            continue;
        }
        let bytes = files::read_bytes(&path)?;
        let text = decode(&bytes).map_err(|error| format!("{path} is {error}"))?;
        let settings = parse_settings(&text).map_err(|error| format!("{path}: {error}"))?;
        let is_new_spelling_there = settings.contains_key(REQUIRE_COMMENT);
        for (name, value) in settings {
            let name = match name.as_str() {
                COMMENT_REQUIRED if is_new_spelling_there => continue,
                COMMENT_REQUIRED => REQUIRE_COMMENT.to_owned(),
                _ => name,
            };
            if !found.iter().any(|(known, _)| *known == name) {
                found.push((name, value));
            }
        }
    }
    Ok(found)
}

/// Makes the settings the defaults of the program's flags and of those of the command that is meant;
/// others are not for this command.
pub fn apply(settings: &[(String, String)], invocation: &Invocation, defaults: &mut Defaults) {
    let command = invocation.command().map_or(&[][..], |command| command.flags);
    for (name, value) in settings {
        let flags: [&'static [Flag]; 2] = [PROGRAM.flags, command];
        for flag in flags.into_iter().flatten().filter(|flag| flag.name == *name) {
            defaults.replace(flag, value);
        }
    }
}

/// The user's file, then the system's.
fn paths(variable: &dyn Fn(&str) -> Option<String>) -> [String; 2] {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    let home = variable("HOME").unwrap_or_default();
    let of_user = set("XDG_CONFIG_HOME").filter(|folder| Path::new(folder).is_absolute());
    let of_user = of_user.unwrap_or_else(|| match home.is_empty() {
        true => ".config".to_owned(),
        false => format!("{home}/.config"),
    });
    let of_system = set("XDG_CONFIG_DIRS");
    let of_system = of_system.as_deref().and_then(|folders| folders.split(':').next());
    let file = |folder: &str| match folder {
        "" => "amtool/config.yml".to_owned(),
        folder => format!("{}/amtool/config.yml", folder.trim_end_matches('/')),
    };
    [file(&of_user), file(of_system.unwrap_or("/etc"))]
}

/// Compat: how `require-comment` was spelled once.
const COMMENT_REQUIRED: &str = "comment_required";
const REQUIRE_COMMENT: &str = "require-comment";

#[cfg(test)]
mod tests {
    use super::paths;

    #[test]
    fn the_environment_decides_where_the_files_are() {
        let check = |variables: &[(&str, &str)], expected: [&str; 2]| {
            let variable = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(paths(&variable), expected, "{variables:?}");
        };
        let system = "/etc/amtool/config.yml";
        check(&[("HOME", "/h")], ["/h/.config/amtool/config.yml", system]);
        check(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x/")], ["/x/amtool/config.yml", system]);
        check(
            &[("HOME", "/h"), ("XDG_CONFIG_HOME", "x"), ("XDG_CONFIG_DIRS", "/a:/b")],
            ["/h/.config/amtool/config.yml", "/a/amtool/config.yml"],
        );
    }
}
