//! A mail as bytes: header, and one or two renditions of the same text.
//!
//! In: the rendered texts of a notification and what makes the mail unique. Out: a message whose
//! every byte but the identifiers equals what the Go Alertmanager would send, so that filters of
//! mail clients go on working.
//!
//! The identifiers are hashes of what is sent and when, not random numbers: this crate has none.

use bellwether_model::Timestamp;
use bellwether_model::hex::hex;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::header::push_field;
use super::quoted_printable::push_quoted_printable;

/// The rendered parts of a mail.
pub struct MessageParts<'a> {
    /// Names and texts, as they are to be read.
    pub headers: Vec<(&'a str, String)>,
    /// The id that all mails of one thread refer to, if mail clients shall show them together.
    pub thread: Option<String>,
    pub text: Option<String>,
    pub html: Option<String>,
}

/// What the identifiers of a message are derived from: no two messages have the same.
pub struct MessageIdentity<'a> {
    pub now: Timestamp,
    /// What the mail is about and whom it is for.
    pub subject: &'a str,
    /// The name of the machine that sends it.
    pub host: &'a str,
}

impl MessageParts<'_> {
    /// The whole message; lines end with CRLF.
    pub fn encode(&self, identity: &MessageIdentity<'_>) -> Bytes {
        let boundary = self.boundary(identity);
        let mut out = String::with_capacity(2 * self.body_len() + HEADER_BYTES);
        for (name, text) in &self.headers {
            push_field(&mut out, name, text);
        }
        if !self.headers.iter().any(|(name, _)| *name == "Message-Id") {
            push_field(&mut out, "Message-Id", &message_id(identity));
        }
        if let Some(thread) = &self.thread {
            push_field(&mut out, "References", thread);
            push_field(&mut out, "In-Reply-To", thread);
        }
        push_field(&mut out, "Date", &date(identity.now));
        let kind = format!("multipart/alternative;  boundary={boundary}");
        push_field(&mut out, "Content-Type", &kind);
        out.push_str("MIME-Version: 1.0\r\n\r\n");
        let mut between = "";
        for (kind, body) in [("plain", &self.text), ("html", &self.html)] {
            let Some(body) = body else { continue };
            out.push_str(between);
            out.push_str(&format!(
                "--{boundary}\r\nContent-Transfer-Encoding: quoted-printable\r\n\
                 Content-Type: text/{kind}; charset=UTF-8\r\n\r\n"
            ));
            push_quoted_printable(&mut out, body);
            between = "\r\n";
        }
        out.push_str(&format!("\r\n--{boundary}--\r\n"));
        Bytes::from(out)
    }

    fn body_len(&self) -> usize {
        [&self.text, &self.html].into_iter().flatten().map(String::len).sum()
    }

    /// A hash of the bodies, so it does not occur in them.
    fn boundary(&self, identity: &MessageIdentity<'_>) -> String {
        let mut hash = Sha256::new();
        hash.update(message_id(identity));
        for body in [&self.text, &self.html].into_iter().flatten() {
            hash.update(body);
        }
        let mut hex = hex(&hash.finalize());
        hex.truncate(BOUNDARY_CHARS);
        hex
    }
}

/// As in `<1767225600000000000.1234567890@host>`: nanoseconds, a number, the sender.
fn message_id(identity: &MessageIdentity<'_>) -> String {
    let nanos = identity.now.unix_nanos();
    let hash = Sha256::digest(format!("{nanos} {}", identity.subject));
    let number = hash.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("<{nanos}.{number}@{}>", identity.host)
}

/// `Mon, 02 Jan 2006 15:04:05 +0100`.
pub fn date(at: Timestamp) -> String {
    let text = at.rfc3339_millis();
    let days = (at.unix_seconds() + i64::from(at.offset_minutes()) * 60).div_euclid(86_400);
    let (year, month, day, clock) = (&text[..4], &text[5..7], &text[8..10], &text[11..19]);
    // The first of January 1970 was a Thursday.
    let weekday = DAYS[days.rem_euclid(7) as usize];
    let month = month.parse::<usize>().map_or("Jan", |month| MONTHS[(month + 11) % 12]);
    let offset = at.offset_minutes();
    let sign = if offset < 0 { '-' } else { '+' };
    let offset = offset.unsigned_abs();
    format!("{weekday}, {day} {month} {year} {clock} {sign}{:02}{:02}", offset / 60, offset % 60)
}

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const BOUNDARY_CHARS: usize = 60;
/// A typical size: enough to make growing the message an exception.
const HEADER_BYTES: usize = 2048;

#[cfg(test)]
mod tests;
