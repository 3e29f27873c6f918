//! What holds for every kind of receiver, whatever it is told.
//!
//! A new kind gets a line in [`KINDS`]; all its secrets are [`MARKER`].

use std::time::Duration;

use bellwether_model::{Outcome, Secret};

use super::{Stage, answer, firing, many, notification, resolved};
use crate::exchange::Step;
use crate::http::Response;
use crate::{
    discord, incidentio, jira, mattermost, msteams, msteamsv2, opsgenie, pagerduty, pushover,
    rocketchat, slack, telegram, victorops, webex, webhook, wechat,
};

/// Must never be printed.
const MARKER: &str = "http://MARKER.example/";

const KINDS: &[(&str, fn() -> Stage)] = &[
    ("incidentio", || {
        let config = incidentio::config::Config {
            url: MARKER.into(),
            alert_source_token: secret(),
            ..Default::default()
        };
        Stage::new(|templates| incidentio::IncidentIo::build(&config, templates))
    }),
    ("opsgenie", || {
        let config = opsgenie::config::Config {
            api_url: MARKER.into(),
            api_key: secret(),
            ..Default::default()
        };
        Stage::new(|templates| opsgenie::Opsgenie::build(&config, templates))
    }),
    ("pagerduty v1", || {
        let config = pagerduty::config::Config { service_key: secret(), ..Default::default() };
        Stage::new(|templates| pagerduty::PagerDuty::build(&config, templates))
    }),
    ("pagerduty v2", || {
        let config = pagerduty::config::Config {
            url: MARKER.into(),
            routing_key: secret(),
            ..Default::default()
        };
        Stage::new(|templates| pagerduty::PagerDuty::build(&config, templates))
    }),
    ("pushover", || {
        let config =
            pushover::config::Config { user_key: secret(), token: secret(), ..Default::default() };
        Stage::new(|templates| pushover::Pushover::build(&config, templates))
    }),
    ("victorops", || {
        let config = victorops::config::Config {
            api_url: MARKER.into(),
            api_key: secret(),
            routing_key: "team".into(),
            ..Default::default()
        };
        Stage::new(|templates| victorops::VictorOps::build(&config, templates))
    }),
    ("webhook", || {
        let config = webhook::config::Config { url: secret(), ..Default::default() };
        Stage::new(|templates| webhook::Webhook::build(&config, templates))
    }),
    ("discord", || {
        let config = discord::config::Config { webhook_url: secret(), ..Default::default() };
        Stage::new(|templates| discord::Discord::build(&config, templates))
    }),
    ("jira", || {
        let config = jira::config::Config {
            api_url: MARKER.into(),
            project: "OPS".into(),
            issue_type: "Bug".into(),
            ..Default::default()
        };
        Stage::new(|templates| jira::Jira::build(&config, templates))
    }),
    ("mattermost", || {
        let config = mattermost::config::Config { webhook_url: secret(), ..Default::default() };
        Stage::new(|templates| mattermost::Mattermost::build(&config, templates))
    }),
    ("msteams", || {
        let config = msteams::config::Config { webhook_url: secret(), ..Default::default() };
        Stage::new(|templates| msteams::MsTeams::build(&config, templates))
    }),
    ("msteamsv2", || {
        let config = msteamsv2::config::Config { webhook_url: secret(), ..Default::default() };
        Stage::new(|templates| msteamsv2::MsTeamsV2::build(&config, templates))
    }),
    ("rocketchat", || {
        let config = rocketchat::config::Config {
            api_url: MARKER.into(),
            token_id: Some(secret()),
            token: Some(secret()),
            ..Default::default()
        };
        Stage::new(|templates| rocketchat::RocketChat::build(&config, templates))
    }),
    ("slack", || {
        let config = slack::config::Config { api_url: secret(), ..Default::default() };
        Stage::new(|templates| slack::Slack::build(&config, templates))
    }),
    ("telegram", || {
        let config = telegram::config::Config {
            api_url: MARKER.into(),
            bot_token: secret(),
            chat_id: 1,
            ..Default::default()
        };
        Stage::new(|templates| telegram::Telegram::build(&config, templates))
    }),
    ("webex", || {
        let config = webex::config::Config {
            api_url: MARKER.into(),
            room_id: "room".into(),
            ..Default::default()
        };
        Stage::new(|templates| webex::Webex::build(&config, templates))
    }),
    ("wechat", || {
        let config = wechat::config::Config {
            api_url: MARKER.into(),
            api_secret: secret(),
            corp_id: "corp".into(),
            ..Default::default()
        };
        Stage::new(|templates| wechat::WeChat::build(&config, templates))
    }),
];

fn secret() -> Secret {
    Secret::new(MARKER)
}

#[test]
fn all_wait_as_long_as_a_busy_receiver_asks() {
    for (kind, stage) in KINDS {
        let retry_after = Some(Duration::from_secs(7));
        let busy = answer(429, "busy").map(|answer| Response { retry_after, ..answer });
        match stage().outcome(busy) {
            Outcome::Retry { after, .. } => assert_eq!(after, retry_after, "{kind}"),
            other => panic!("{kind}: {other:?}"),
        }
    }
}

#[test]
fn all_try_again_when_a_receiver_is_broken() {
    for (kind, stage) in KINDS {
        for status in [500, 502, 503, 504] {
            let outcome = stage().outcome(answer(status, "\u{0}rubbish"));
            assert!(matches!(outcome, Outcome::Retry { .. }), "{kind}, {status}: {outcome:?}");
        }
    }
}

#[test]
fn all_have_something_to_say_about_any_group() {
    for (kind, stage) in KINDS {
        for told in [notification(Vec::new()), firing(), resolved(), many(5000)] {
            let (begun, faults) = stage().begin(&told);
            let mut exchange = begun.unwrap_or_else(|halt| panic!("{kind}: {halt:?}"));
            assert_eq!(faults, [], "{kind}");
            assert!(matches!(exchange.begin(), Step::Send(_)), "{kind}");
        }
    }
}

#[test]
fn none_shows_its_secrets() {
    for (kind, stage) in KINDS {
        let request = stage().request(&firing());
        let carried = format!("{} {:?} {:?}", request.url.reveal(), request.headers, request.body);
        assert!(carried.contains("MARKER"), "{kind} does not use its secret");
        let outcome = stage().outcome(answer(400, "why"));
        let printed = format!("{request:?} {outcome:?}");
        assert!(!printed.contains("MARKER"), "{kind}: {printed}");
    }
}
