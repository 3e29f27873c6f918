//! What differs from run to run: a server's port, a folder, times close to the present.

use std::time::Duration;

use bellwether_model::Timestamp;

/// What placeholders stand for in one run.
pub struct Masks {
    pub server: String,
    pub folder: String,
    pub now: Timestamp,
}

impl Masks {
    /// With values in place of placeholders.
    pub fn filled(&self, text: &str) -> String {
        let text = text.replace("{server}", &self.server).replace("{dir}", &self.folder);
        let mut parts = text.split("{now");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (seconds, rest) = part.split_once('}').expect("a placeholder's end");
            let seconds: i64 =
                if seconds.is_empty() { 0 } else { seconds.parse().expect("seconds") };
            let by = Duration::from_secs(seconds.unsigned_abs());
            let at = if seconds < 0 { self.now.minus(by) } else { self.now.plus(by) };
            out.push_str(&at.rfc3339_millis());
            out.push_str(rest);
        }
        out
    }

    /// With placeholders in place of values.
    pub fn masked(&self, text: &str) -> String {
        let text = text.replace(&self.server, "{server}").replace(&self.folder, "{dir}");
        let name = self.folder.rsplit('/').next().expect("a path");
        let text = text.replace(name, "{name of dir}");
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find('T') {
            let begin = at.checked_sub(DATE).filter(|begin| rest.is_char_boundary(*begin));
            let found = begin.and_then(|begin| {
                let time = rest.get(begin..begin + LENGTH)?;
                Some((begin, self.close(Timestamp::parse_rfc3339(time)?)?))
            });
            match found {
                Some((begin, placeholder)) => {
                    out.push_str(&rest[..begin]);
                    out.push_str(&placeholder);
                    rest = &rest[begin + LENGTH..];
                }
                None => {
                    out.push_str(&rest[..=at]);
                    rest = &rest[at + 1..];
                }
            }
        }
        out + rest
    }

    /// The placeholder of a time that is less than 400 days away, to the nearest second.
    fn close(&self, at: Timestamp) -> Option<String> {
        let millis = (at.unix_nanos() - self.now.unix_nanos()) / 1_000_000;
        let seconds = (millis + 500 * millis.signum()) / 1000;
        match seconds {
            0 => Some("{now}".to_owned()),
            seconds if seconds.abs() < 400 * 86_400 => Some(format!("{{now{seconds:+}}}")),
            _ => None,
        }
    }
}

/// `2006-01-02`
const DATE: usize = 10;
/// `2006-01-02T15:04:05.000Z`
const LENGTH: usize = 24;
