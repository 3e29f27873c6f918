//! Mentions of everybody that come from labels and annotations.
//!
//! Who may post an alert, or can put a text into a label of one, must not be able to wake a whole
//! company: `<!channel>` in a label becomes a text that is shown and notifies nobody. What the templates
//! themselves say stays, and so do mentions of single people and of user groups, which teams put into
//! their alerting rules on purpose.
//!
//! In: a notification. Out: one whose labels and annotations are harmless to its kind of receiver, before
//! any template sees them. Nothing but what is shown is made from it.

use std::borrow::Cow;
use std::sync::Arc;

use bellwether_model::{Alert, LabelSet, Notification};

/// What is done about mentions of everybody in labels and annotations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mentions {
    #[default]
    Neutralise,
    /// As upstream.
    Allow,
}

/// How a service mentions everybody.
struct Markup {
    /// Behind an `@`, in letters of any size.
    words: &'static [&'static str],
    /// Whether the word counts inside other words as well: `x@everyoney`.
    anywhere: bool,
    /// Behind a `<`.
    tags: &'static [&'static str],
    /// What stands in for the `<` of a tag.
    less: &'static str,
}

impl Mentions {
    /// The notification as templates are to see it.
    pub fn shown(self, notification: &Notification) -> Cow<'_, Notification> {
        let unchanged = Cow::Borrowed(notification);
        let Some(markup) = Markup::of(&notification.integration.kind) else { return unchanged };
        if self == Mentions::Allow {
            return unchanged;
        }
        let group_labels = markup.neutral(&notification.group_labels);
        let alerts: Vec<Option<Arc<Alert>>> =
            notification.alerts.iter().map(|alert| markup.neutral_alert(alert)).collect();
        if group_labels.is_none() && alerts.iter().all(Option::is_none) {
            return unchanged;
        }
        let known = notification.alerts.iter();
        let alerts =
            alerts.into_iter().zip(known).map(|(new, known)| new.unwrap_or_else(|| known.clone()));
        Cow::Owned(Notification {
            group_labels: group_labels.unwrap_or_else(|| notification.group_labels.clone()),
            alerts: alerts.collect(),
            ..notification.clone()
        })
    }
}

impl Markup {
    /// `None` for a kind of receiver in which a text mentions nobody. The names are those of
    /// [`Kind::name`](crate::kind::Kind::name).
    fn of(kind: &str) -> Option<&'static Markup> {
        match kind {
            "slack" => Some(&SLACK),
            "discord" => Some(&DISCORD),
            "mattermost" => Some(&MATTERMOST),
            "rocketchat" => Some(&ROCKETCHAT),
            "msteams" | "msteamsv2" => Some(&TEAMS),
            "webex" => Some(&WEBEX),
            _ => None,
        }
    }

    fn neutral_alert(&self, alert: &Alert) -> Option<Arc<Alert>> {
        let (labels, annotations) = (self.neutral(&alert.labels), self.neutral(&alert.annotations));
        if labels.is_none() && annotations.is_none() {
            return None;
        }
        Some(Arc::new(Alert {
            labels: labels.unwrap_or_else(|| alert.labels.clone()),
            annotations: annotations.unwrap_or_else(|| alert.annotations.clone()),
            ..alert.clone()
        }))
    }

    /// `None` if there is nothing to change.
    fn neutral(&self, labels: &LabelSet) -> Option<LabelSet> {
        if !labels.packed().contains(['@', '<']) {
            return None;
        }
        let pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> =
            labels.iter().map(|(name, value)| (self.text(name), self.text(value))).collect();
        let is_same = |text: &Cow<'_, str>| matches!(text, Cow::Borrowed(_));
        if pairs.iter().all(|(name, value)| is_same(name) && is_same(value)) {
            return None;
        }
        Some(LabelSet::new(pairs.iter().map(|(name, value)| (&**name, &**value))))
    }

    fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut out = String::new();
        let mut copied = 0;
        for (at, found) in text.match_indices(['@', '<']) {
            let (before, behind) = (&text[..at], &text[at + 1..]);
            let instead = match found {
                "@" if self.is_word(before, behind) => BROKEN_AT,
                "<" if self.is_tag(behind) => self.less,
                _ => continue,
            };
            out.push_str(&text[copied..at]);
            out.push_str(instead);
            copied = at + 1;
        }
        if copied == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(&text[copied..]);
        Cow::Owned(out)
    }

    /// Whether what stands behind an `@` makes it a mention of everybody. At the end of a text it may do
    /// so together with what the template says next.
    fn is_word(&self, before: &str, behind: &str) -> bool {
        let is_inner = |c: char| c.is_alphanumeric() || c == '_';
        if !self.anywhere && before.ends_with(is_inner) {
            return false;
        }
        if behind.is_empty() {
            return !self.words.is_empty();
        }
        self.words.iter().any(|word| {
            let rest = behind.get(..word.len()).filter(|start| start.eq_ignore_ascii_case(word));
            rest.is_some() && (self.anywhere || !behind[word.len()..].starts_with(is_inner))
        })
    }

    fn is_tag(&self, behind: &str) -> bool {
        let begins = |tag: &&str| {
            let start = behind.get(..tag.len().min(behind.len()));
            start.is_some_and(|start| tag[..start.len()].eq_ignore_ascii_case(start))
        };
        self.tags.iter().any(begins)
    }
}

/// A character without width behind it, so that it looks the same and is no mention.
const BROKEN_AT: &str = "@\u{200b}";

const BROKEN_LESS: &str = "<\u{200b}";

/// Plain names count with `link_names`. Slack shows `&lt;` as `<`.
const SLACK: Markup = Markup {
    words: &["channel", "here", "everyone", "group"],
    anywhere: false,
    tags: &["!channel", "!here", "!everyone", "!group"],
    less: "&lt;",
};

const DISCORD: Markup =
    Markup { words: &["everyone", "here"], anywhere: true, tags: &[], less: BROKEN_LESS };

const MATTERMOST: Markup =
    Markup { words: &["channel", "all", "here"], anywhere: false, tags: &[], less: BROKEN_LESS };

const ROCKETCHAT: Markup =
    Markup { words: &["all", "here"], anywhere: false, tags: &[], less: BROKEN_LESS };

const TEAMS: Markup = Markup { words: &[], anywhere: false, tags: &["at>"], less: BROKEN_LESS };

const WEBEX: Markup = Markup { words: &[], anywhere: false, tags: &["@all"], less: BROKEN_LESS };

#[cfg(test)]
mod tests {
    use super::{DISCORD, MATTERMOST, Markup, Mentions, ROCKETCHAT, SLACK, TEAMS, WEBEX};
    use crate::tests::{alert, notification};

    #[track_caller]
    fn check(markup: &Markup, text: &str, expected: &str) {
        assert_eq!(markup.text(text), expected, "{text}");
    }

    #[test]
    fn mentions_of_everybody_become_texts() {
        check(&SLACK, "disk <!channel> full", "disk &lt;!channel> full");
        check(&SLACK, "<!HERE|x> and <!everyone>", "&lt;!HERE|x> and &lt;!everyone>");
        check(
            &SLACK,
            "@here @channel, (@everyone)",
            "@\u{200b}here @\u{200b}channel, (@\u{200b}everyone)",
        );
        check(&DISCORD, "@everyone x@HEREx", "@\u{200b}everyone x@\u{200b}HEREx");
        check(&MATTERMOST, "@All: @channel", "@\u{200b}All: @\u{200b}channel");
        check(&ROCKETCHAT, "@all @here", "@\u{200b}all @\u{200b}here");
        check(&TEAMS, "<at>team</at>", "<\u{200b}at>team</at>");
        check(&WEBEX, "<@all>", "<\u{200b}@all>");
    }

    #[test]
    fn what_becomes_one_with_the_text_of_the_template_is_broken_too() {
        check(&SLACK, "x <", "x &lt;");
        check(&SLACK, "x <!cha", "x &lt;!cha");
        check(&SLACK, "x @", "x @\u{200b}");
        check(&TEAMS, "x <a", "x <\u{200b}a");
    }

    #[test]
    fn other_texts_stay() {
        for text in [
            "<@U012AB3CD> owns <#C024BE7LR> and <!subteam^S1>",
            "<https://x.example|runbook>",
            "a < b",
            "team@here.example",
            "@hereabouts @herein",
            "@channels",
            "@bob",
            "1 <= 2 @ 3",
            "<!date^1^x|y>",
        ] {
            check(&SLACK, text, text);
        }
        check(&DISCORD, "<@&1234> <@1>", "<@&1234> <@1>");
        check(&MATTERMOST, "@alligator @bob", "@alligator @bob");
        check(&TEAMS, "<b>x</b> @channel", "<b>x</b> @channel");
        check(&WEBEX, "<@personId:x>", "<@personId:x>");
    }

    #[test]
    fn labels_and_annotations_are_neutral_for_chats_only() {
        let mut sent = notification(vec![
            alert(&[("alertname", "<!here>"), ("a", "b")], &[("summary", "<!channel>")], false),
            alert(&[("alertname", "x")], &[], false),
        ]);
        sent.integration.kind = "slack".into();
        let shown = Mentions::Neutralise.shown(&sent);
        assert_eq!(shown.alerts[0].labels.value("alertname"), "&lt;!here>");
        assert_eq!(shown.alerts[0].annotations.value("summary"), "&lt;!channel>");
        assert_eq!(shown.alerts[0].fingerprint, sent.alerts[0].fingerprint);
        assert!(std::sync::Arc::ptr_eq(&shown.alerts[1], &sent.alerts[1]));
        assert_eq!(shown.group_key, sent.group_key);
        let same = Mentions::Allow.shown(&sent);
        assert_eq!(same.alerts[0].labels.value("alertname"), "<!here>");
        sent.integration.kind = "webhook".into();
        let same = Mentions::Neutralise.shown(&sent);
        assert_eq!(same.alerts[0].labels.value("alertname"), "<!here>");
    }
}
