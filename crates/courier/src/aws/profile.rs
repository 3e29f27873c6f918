//! The files of the AWS tools: `~/.aws/credentials` and `~/.aws/config`.
//!
//! In: their texts. Out: [`Profiles`], named sets of settings; what the first file says of a profile
//! wins. Each section of the second is called `[profile NAME]`, but for `[default]`. A file that is
//! not there says nothing; indented lines belong to settings that do not concern us.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Variables;

/// Settings by profile and name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profiles(BTreeMap<String, Profile>);

/// `Debug` shows the names of settings only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Profile(BTreeMap<String, String>);

/// The profile that counts if none is named.
pub const DEFAULT: &str = "default";

pub async fn read(variables: Variables<'_>) -> Profiles {
    let home = variables("HOME").map(PathBuf::from);
    let path = |variable: &str, file: &str| match variables(variable) {
        Some(path) => Some(PathBuf::from(path)),
        None => home.as_ref().map(|home| home.join(".aws").join(file)),
    };
    let mut profiles = Profiles::default();
    if let Some(path) = path("AWS_SHARED_CREDENTIALS_FILE", "credentials") {
        profiles.add(&tokio::fs::read_to_string(path).await.unwrap_or_default());
    }
    if let Some(path) = path("AWS_CONFIG_FILE", "config") {
        profiles.add(&tokio::fs::read_to_string(path).await.unwrap_or_default());
    }
    profiles
}

impl Profiles {
    /// What is there already stays.
    pub fn add(&mut self, text: &str) {
        let mut section = None;
        for line in text.lines() {
            if line.starts_with([' ', '\t', '#', ';']) {
                continue;
            }
            if let Some(name) = line.trim().strip_prefix('[').and_then(|it| it.split(']').next()) {
                let name = name.trim();
                let name = name.strip_prefix("profile ").unwrap_or(name).trim();
                section = Some(self.0.entry(name.to_owned()).or_default());
            } else if let (Some(section), Some((name, value))) =
                (&mut section, line.split_once('='))
            {
                let value = value.split(" #").next().unwrap_or_default().trim();
                let name = name.trim().to_ascii_lowercase();
                section.0.entry(name).or_insert_with(|| value.to_owned());
            }
        }
    }

    pub fn named(&self, name: &str) -> Option<&Profile> {
        self.0.get(name)
    }
}

impl Profile {
    /// A setting; an empty one is none.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Profiles;

    #[test]
    fn profiles_are_read_from_both_files() {
        let mut profiles = Profiles::default();
        profiles.add("[default]\nAWS_Access_Key_Id = a # key\n[other]\naws_access_key_id=b=c\n");
        profiles.add(
            "# comment\nstray = 1\n[default]\naws_access_key_id = later\nregion = r\ns3 =\n  \
             region = nested\n[ profile  other ]\nregion=\nrole_arn=arn:x\n",
        );
        let setting = |profile, name| profiles.named(profile).and_then(|it| it.setting(name));
        assert_eq!(setting("default", "aws_access_key_id"), Some("a"));
        assert_eq!(setting("default", "region"), Some("r"));
        assert_eq!(setting("other", "aws_access_key_id"), Some("b=c"));
        assert_eq!(setting("other", "region"), None);
        assert_eq!(setting("other", "role_arn"), Some("arn:x"));
        assert_eq!(profiles.named("stray"), None);
        assert!(!format!("{profiles:?}").contains("b=c"), "{profiles:?}");
    }
}
