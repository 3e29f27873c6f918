//! The query that is the message.
//!
//! In: a user's texts and the two keys. Out: parameters, sorted by name.

use bellwether_model::Secret;

use super::{Form, Pushover};
use crate::renderer::{Limit, Renderer};
use crate::trim;
use crate::url;

pub fn query(
    user: &Pushover,
    token: &Secret,
    user_key: &Secret,
    renderer: &mut Renderer<'_>,
) -> String {
    let title = renderer.line(&user.title);
    let message = renderer.prose_within(&user.message, Limit::Chars(MESSAGE_CHARS_MAX));
    let link = renderer.or_default(&user.url, "");
    let url_title = renderer.or_default(&user.url_title, "");
    let device = renderer.or_default(&user.device, "");
    let sound = renderer.or_default(&user.sound, "");
    let urgent = if renderer.is_firing() { "2" } else { "0" };
    let priority = renderer.or_default(&user.priority, urgent);
    let [retry, expire, ttl] =
        [user.retry, user.expire, user.ttl].map(|time| time.as_secs().to_string());

    let mut parameters = vec![("device", device.as_str()), ("expire", &expire)];
    if user.form == Form::Html {
        parameters.push(("html", "1"));
    }
    parameters.push(("message", or_excuse(message.trim())));
    if user.form == Form::Monospace {
        parameters.push(("monospace", "1"));
    }
    let (title, _) = trim::to_chars(&title, TITLE_CHARS_MAX);
    let (link, _) = trim::to_chars(&link, URL_CHARS_MAX);
    parameters.extend([
        ("priority", priority.as_str()),
        ("retry", &retry),
        ("sound", &sound),
        ("title", &title),
        ("token", token.reveal()),
    ]);
    if ttl != "0" {
        parameters.push(("ttl", &ttl));
    }
    parameters.extend([
        ("url", &*link),
        ("url_title", url_title.as_str()),
        ("user", user_key.reveal()),
    ]);
    url::query(&parameters)
}

/// Pushover refuses empty messages.
fn or_excuse(message: &str) -> &str {
    if message.is_empty() { "(no details)" } else { message }
}

/// Limit: of the title.
const TITLE_CHARS_MAX: usize = 250;

/// Limit: of the message.
const MESSAGE_CHARS_MAX: usize = 1024;

/// Limit: of the link.
const URL_CHARS_MAX: usize = 512;
