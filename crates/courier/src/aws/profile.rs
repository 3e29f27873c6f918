//! The files of the AWS tools: `~/.aws/credentials` and `~/.aws/config`.
//!
//! In: their texts. Out: [`Profiles`], named sets of settings; of two values of one setting the
//! first file's counts. Profiles of the second file are sections `[profile NAME]`, except
//! `[default]`. A missing file counts as empty; indented lines belong to settings that are not used
//! here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::environment::Environment;

/// The sections of both files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profiles {
    profiles: BTreeMap<String, Profile>,
    /// Sections `[sso-session NAME]`, by name.
    sso_sessions: BTreeMap<String, Profile>,
}

/// `Debug` shows the names of settings only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Profile(BTreeMap<String, String>);

/// The profile that is used if none is named.
pub const DEFAULT: &str = "default";

pub async fn read(environment: Environment<'_>) -> Profiles {
    let home = environment.get("HOME").map(PathBuf::from);
    let path = |variable: &str, file: &str| match environment.get(variable) {
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
    /// Adds the sections of a file; settings that are there already stay.
    pub fn add(&mut self, text: &str) {
        let mut section = None;
        for line in text.lines() {
            if line.starts_with([' ', '\t', '#', ';']) {
                continue;
            }
            if let Some(name) = line.trim().strip_prefix('[').and_then(|it| it.split(']').next()) {
                let name = name.trim();
                let (sections, name) = match name.strip_prefix("sso-session ") {
                    Some(name) => (&mut self.sso_sessions, name),
                    None => (&mut self.profiles, name.strip_prefix("profile ").unwrap_or(name)),
                };
                section = Some(sections.entry(name.trim().to_owned()).or_default());
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
        self.profiles.get(name)
    }

    pub fn sso_session(&self, name: &str) -> Option<&Profile> {
        self.sso_sessions.get(name)
    }
}

impl Profile {
    /// A setting; an empty one counts as missing.
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
             region = nested\n[ profile  other ]\nregion=\nrole_arn=arn:x\n\
             [sso-session corp]\nsso_region = r\n",
        );
        let setting = |profile, name| profiles.named(profile).and_then(|it| it.setting(name));
        assert_eq!(setting("default", "aws_access_key_id"), Some("a"));
        assert_eq!(setting("default", "region"), Some("r"));
        assert_eq!(setting("other", "aws_access_key_id"), Some("b=c"));
        assert_eq!(setting("other", "region"), None);
        assert_eq!(setting("other", "role_arn"), Some("arn:x"));
        assert_eq!(profiles.named("stray"), None);
        let session = profiles.sso_session("corp").and_then(|it| it.setting("sso_region"));
        assert_eq!(session, Some("r"));
        assert!(!format!("{profiles:?}").contains("b=c"), "{profiles:?}");
    }
}
