use std::path::Path;
use std::time::Duration;

use bellwether_integrations::{AnyValue, IntegrationConfig};
use bellwether_model::Secret;
use bellwether_model::matcher::Op;

use super::*;

#[track_caller]
fn parse_good(text: &str) -> Config {
    match parse(text, MatcherMode::Fallback) {
        Ok(parsed) => parsed.config,
        Err(errors) => panic!("{errors}"),
    }
}

#[track_caller]
fn parse_bad(text: &str, mode: MatcherMode) -> String {
    match parse(text, mode) {
        Ok(parsed) => panic!("accepted:\n{}", print(&parsed.config)),
        Err(errors) => errors.to_string(),
    }
}

/// One receiver, `team`, with these lines behind its name.
fn receiver(global: &str, lines: &str) -> String {
    format!("global: {global}\nroute: {{receiver: team}}\nreceivers:\n- name: team\n{lines}")
}

/// The settings of all integrations of one kind.
macro_rules! configs {
    ($receiver:expr, $kind:ident) => {{
        let of_kind = $receiver.integrations.iter().filter_map(|config| match config {
            IntegrationConfig::$kind(config) => Some(config),
            _ => None,
        });
        of_kind.collect::<Vec<_>>()
    }};
}

#[test]
fn the_effective_configuration_prints_in_the_published_form() {
    let text = receiver(
        "{smtp_smarthost: 'mail:25', smtp_from: me, smtp_auth_password: hunter2}",
        "  webhook_configs: [{url: 'http://a/?token=x', payload: {b: [1], a: '2'}}]\n  \
         email_configs: [{to: you}]\n",
    );
    let printed = print(&parse_good(&text));
    let expected = "\
global:
  resolve_timeout: 5m
  http_config:
    follow_redirects: true
    enable_http2: true
  smtp_from: me
  smtp_hello: localhost
  smtp_smarthost: mail:25
  smtp_auth_password: <secret>
  smtp_require_tls: true
  smtp_tls_config:
    insecure_skip_verify: false
  slack_app_url: https://slack.com/api/chat.postMessage
  pagerduty_url: https://events.pagerduty.com/v2/enqueue
  opsgenie_api_url: https://api.opsgenie.com/
  wechat_api_url: https://qyapi.weixin.qq.com/cgi-bin/
  victorops_api_url: https://alert.victorops.com/integrations/generic/20131114/alert/
  telegram_api_url: https://api.telegram.org
  webex_api_url: https://webexapis.com/v1/messages
  rocketchat_api_url: https://open.rocket.chat/
route:
  receiver: team
  continue: false
receivers:
- name: team
  labels:
    name: team
  email_configs:
  - send_resolved: false
    to: you
    from: me
    hello: localhost
    smarthost: mail:25
    auth_password: <secret>
    headers:
      From: me
      Subject: '{{ template \"email.default.subject\" . }}'
      To: you
    html: '{{ template \"email.default.html\" . }}'
    require_tls: true
    tls_config:
      insecure_skip_verify: false
  webhook_configs:
  - send_resolved: true
    http_config:
      follow_redirects: true
      enable_http2: true
    url: <secret>
    url_file: \"\"
    max_alerts: 0
    timeout: 0s
    payload:
      a: \"2\"
      b:
      - 1
templates: []
";
    assert_eq!(printed, expected);
}

#[test]
fn no_secret_is_printed_or_shown_by_debug() {
    let marker = "m4rk3r";
    let text = receiver(
        &format!(
            "{{slack_api_url: 'http://{marker}/', opsgenie_api_key: {marker}, \
             victorops_api_key: {marker}, wechat_api_secret: {marker}, wechat_api_corp_id: x, \
             telegram_bot_token: {marker}, rocketchat_token: {marker}, \
             rocketchat_token_id: {marker}, mattermost_webhook_url: 'http://{marker}/', \
             smtp_auth_secret: {marker}, http_config: {{basic_auth: {{password: {marker}}}, \
             proxy_url: 'http://u:{marker}@p/', http_headers: {{A: {{secrets: [{marker}]}}}}, \
             tls_config: {{cert: c, key: {marker}}}}}}}"
        ),
        &format!(
            "  webhook_configs: [{{url: 'http://{marker}/'}}]\n  \
             discord_configs: [{{webhook_url: 'http://{marker}/'}}]\n  \
             msteams_configs: [{{webhook_url: 'http://{marker}/'}}]\n  \
             msteamsv2_configs: [{{webhook_url: 'http://{marker}/'}}]\n  \
             pagerduty_configs: [{{routing_key: {marker}, service_key: {marker}}}]\n  \
             pushover_configs: [{{user_key: {marker}, token: {marker}}}]\n  \
             sns_configs: [{{topic_arn: t, sigv4: {{access_key: a, secret_key: {marker}}}}}]\n  \
             incidentio_configs: [{{url: 'http://a/', alert_source_token: {marker}}}]\n  \
             slack_configs: [{{}}, {{app_token: {marker}, http_config: {{}}}}]\n  \
             opsgenie_configs: [{{}}]\n  victorops_configs: [{{routing_key: r}}]\n  \
             wechat_configs: [{{}}]\n  telegram_configs: [{{chat_id: 1}}]\n  \
             rocketchat_configs: [{{}}]\n  mattermost_configs: [{{}}]\n  \
             jira_configs: [{{project: p, issue_type: t, api_url: 'http://j/', http_config: {{oauth2: \
             {{client_id: i, token_url: t, client_secret: {marker}, \
             client_certificate_key: {marker}}}}}}}]\n"
        ),
    );
    let config = parse_good(&text);
    for shown in [print(&config), format!("{config:?}")] {
        assert!(!shown.contains(marker), "{shown}");
    }
    assert_eq!(configs!(config.receivers[0], Telegram)[0].bot_token.reveal(), marker);
}

#[test]
fn errors_do_not_repeat_secrets() {
    for line in ["url: 'ftp://m4rk3r/'", "url: 'http://m4rk3r:x/'", "url: 'http://a/%m4rk3r'"] {
        let text = receiver("{}", &format!("  webhook_configs: [{{{line}}}]\n"));
        let errors = parse_bad(&text, MatcherMode::Fallback);
        assert!(errors.contains("invalid URL") && !errors.contains("m4rk3r"), "{errors}");
    }
}

#[test]
fn an_integrations_http_config_replaces_the_global_one() {
    let config = parse_good(&receiver(
        "{http_config: {proxy_url: 'http://p/', follow_redirects: no}}",
        "  webhook_configs:\n  - url: http://a/\n  - {url: 'http://b/', http_config: {}}\n  \
         msteamsv2_configs: [{webhook_url: 'http://c/', http_config: {}}]\n",
    ));
    let receiver = &config.receivers[0];
    assert_eq!(configs!(receiver, Webhook)[0].http_config, config.global.http_config);
    let own = configs!(receiver, Webhook)[1].http_config.as_ref().expect("it was given");
    assert!(own.follow_redirects && own.proxy.proxy_url.is_none());
    let teams = configs!(receiver, MsTeamsV2)[0].http_config.as_ref().expect("it was given");
    assert!(teams.follow_redirects);
    assert_eq!(teams.proxy.proxy_url, Some(Secret::new("http://p/")));
}

#[test]
fn slack_takes_the_global_token_unless_it_has_a_url_or_authorization() {
    let config = parse_good(&receiver(
        "{slack_app_token: t}",
        "  slack_configs:\n  - channel: c\n  - api_url: http://own/\n  \
         - {api_url_file: f}\n  - {api_url_file: f, http_config: {bearer_token: b}}\n",
    ));
    let slack = &configs!(config.receivers[0], Slack);
    let token_of = |index: usize| {
        let http = slack[index].http_config.as_ref().expect("merged");
        http.authorization.as_ref().map(|a| a.credentials.reveal().to_owned())
    };
    assert_eq!(slack[0].api_url.reveal(), "https://slack.com/api/chat.postMessage");
    assert_eq!(token_of(0).as_deref(), Some("t"));
    assert_eq!(slack[1].api_url.reveal(), "http://own/");
    assert_eq!(token_of(1), None);
    assert_eq!(token_of(2).as_deref(), Some("t"));
    assert_eq!(token_of(3).as_deref(), Some("b"));
}

#[test]
fn a_secret_of_a_receiver_keeps_the_global_one_of_the_other_kind_away() {
    let inline = "{opsgenie_api_key: g, victorops_api_key: g, rocketchat_token: g, \
                  rocketchat_token_id: g, smtp_auth_secret: g, smtp_smarthost: 'm:1', smtp_from: f}";
    let files = "{opsgenie_api_key_file: g, victorops_api_key_file: g, rocketchat_token_file: g, \
                 rocketchat_token_id_file: g, smtp_auth_secret_file: g, smtp_smarthost: 'm:1', \
                 smtp_from: f}";
    let own_files = "  opsgenie_configs: [{api_key_file: own}]\n  \
                     victorops_configs: [{api_key_file: own, routing_key: r}]\n  \
                     rocketchat_configs: [{token_file: own, token_id_file: own}]\n  \
                     email_configs: [{to: t, auth_secret_file: own}]\n";
    let config = parse_good(&receiver(inline, own_files));
    let it = &config.receivers[0];
    let opsgenie = &configs!(it, Opsgenie)[0];
    assert_eq!((opsgenie.api_key.reveal(), opsgenie.api_key_file.as_str()), ("", "own"));
    let victorops = &configs!(it, VictorOps)[0];
    assert_eq!((victorops.api_key.reveal(), victorops.api_key_file.as_str()), ("", "own"));
    let rocket = &configs!(it, RocketChat)[0];
    assert_eq!((&rocket.token, rocket.token_file.as_str()), (&None, "own"));
    assert_eq!((&rocket.token_id, rocket.token_id_file.as_str()), (&None, "own"));
    let email = &configs!(it, Email)[0];
    assert_eq!((email.auth_secret.reveal(), email.auth_secret_file.as_str()), ("", "own"));
    // What is printed names nothing that is not used.
    let (_, receivers) = print(&config).split_once("receivers:").map(owned).expect("printed");
    assert!(!receivers.contains("<secret>"), "{receivers}");

    let own_secrets = own_files.replace("_file: own", ": own");
    let config = parse_good(&receiver(files, &own_secrets));
    let it = &config.receivers[0];
    let opsgenie = &configs!(it, Opsgenie)[0];
    assert_eq!((opsgenie.api_key.reveal(), opsgenie.api_key_file.as_str()), ("own", ""));
    let victorops = &configs!(it, VictorOps)[0];
    assert_eq!((victorops.api_key.reveal(), victorops.api_key_file.as_str()), ("own", ""));
    let rocket = &configs!(it, RocketChat)[0];
    assert_eq!((&rocket.token, rocket.token_file.as_str()), (&Some(Secret::new("own")), ""));
    assert_eq!((&rocket.token_id, rocket.token_id_file.as_str()), (&Some(Secret::new("own")), ""));
    let email = &configs!(it, Email)[0];
    assert_eq!((email.auth_secret.reveal(), email.auth_secret_file.as_str()), ("own", ""));
    let (_, receivers) = print(&config).split_once("receivers:").map(owned).expect("printed");
    assert!(!receivers.contains("_file: g"), "{receivers}");
}

fn owned((before, after): (&str, &str)) -> (String, String) {
    (before.to_owned(), after.to_owned())
}

#[test]
fn urls_of_some_receivers_end_with_a_slash() {
    let config = parse_good(&receiver(
        "{}",
        "  opsgenie_configs: [{api_key: k, api_url: 'http://a?b=c'}]\n  \
         victorops_configs: [{api_key: k, routing_key: r, api_url: 'http://a/b#c'}]\n  \
         wechat_configs: [{api_secret: s, corp_id: c, api_url: 'http://a/'}]\n",
    ));
    let receiver = &config.receivers[0];
    assert_eq!(configs!(receiver, Opsgenie)[0].api_url, "http://a/?b=c");
    assert_eq!(configs!(receiver, VictorOps)[0].api_url, "http://a/b/#c");
    assert_eq!(configs!(receiver, WeChat)[0].api_url, "http://a/");
}

#[test]
fn derived_fields_are_filled_in() {
    let config = parse_good(&receiver(
        "{}",
        "  pagerduty_configs: [{routing_key: k, client: c, details: {firing: mine}}]\n  \
         slack_configs: [{api_url: 'http://a/', actions: [{type: b, text: t, url: u, name: n}]}]\n",
    ));
    let pagerduty = &configs!(config.receivers[0], PagerDuty)[0];
    assert_eq!(pagerduty.source, "c");
    let names: Vec<&String> = pagerduty.details.keys().collect();
    assert_eq!(names, ["firing", "num_firing", "num_resolved", "resolved"]);
    assert_eq!(configs!(config.receivers[0], Slack)[0].actions[0].name, "");
    assert_eq!(config.receivers[0].labels["name"], "team");
}

#[test]
fn integrations_are_listed_in_the_order_of_notification() {
    let config = parse_good(&receiver(
        "{}",
        "  discord_configs: [{webhook_url: 'http://d/'}]\n  \
         slack_configs: [{api_url: 'http://s/'}]\n  \
         pagerduty_configs: [{routing_key: k, send_resolved: no}]\n  \
         webhook_configs: [{url: 'http://a/'}, {url: 'http://b/', send_resolved: no}]\n",
    ));
    let listed: Vec<(&str, u32, bool)> = config.receivers[0]
        .indexed()
        .map(|(index, config)| (config.kind().name(), index, config.send_resolved()))
        .collect();
    let expected = [
        ("webhook", 0, true),
        ("webhook", 1, false),
        ("pagerduty", 0, false),
        ("slack", 0, false),
        ("discord", 0, true),
    ];
    assert_eq!(listed, expected);
}

#[test]
fn conditions_of_all_spellings_are_sorted_together() {
    let config = parse_good(
        "route:\n  receiver: a\n  routes:\n  - match: {c: d}\n    match_re: {b: x|y}\n    \
         matchers: [a!=z, 'b=\"x\"']\nreceivers: [{name: a}]\n",
    );
    let matchers = config.route.routes[0].matchers_combined();
    let shown: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["a!=\"z\"", "b=~\"^(?:x|y)$\"", "b=\"x\"", "c=\"d\""]);
    assert_eq!(matchers.0[1].op, Op::Matches);
    assert!(matchers.0[1].matches_value("y") && !matchers.0[1].matches_value("xy"));
}

#[test]
fn an_empty_group_by_is_not_an_absent_one() {
    let config = parse_good(
        "route:\n  receiver: a\n  group_by: [x]\n  routes:\n  - group_by: []\n  - {}\n  \
         - group_by: ['...']\nreceivers: [{name: a}]\n",
    );
    let group_by: Vec<_> = config.route.routes.iter().map(|route| &route.group_by).collect();
    assert_eq!(group_by, [&Some(GroupBy::Labels(vec![])), &None, &Some(GroupBy::All)]);
}

#[test]
fn later_entries_win_also_over_merged_ones() {
    let config = parse_good(
        "route:\n  receiver: a\n  routes:\n  - &base {group_wait: 1s, group_interval: 1m}\n  \
         - &more {group_wait: 2s}\n  - {<<: *base, group_wait: 3s}\n  - {group_wait: 3s, <<: *base}\n  \
         - <<: [*more, *base]\nreceivers: [{name: a}]\n",
    );
    let waits: Vec<_> = config.route.routes.iter().map(|route| route.group_wait).collect();
    let seconds = [1, 2, 3, 1, 2].map(|seconds| Some(Duration::from_secs(seconds)));
    assert_eq!(waits, seconds);
    assert_eq!(config.route.routes[4].group_interval, Some(Duration::from_secs(60)));
}

#[test]
fn modes_decide_which_label_names_and_matchers_are_read() {
    let text = "route:\n  receiver: a\n  routes:\n  - group_by: ['é']\n    \
                matchers: ['é=x']\nreceivers: [{name: a}]\n";
    assert!(parse(text, MatcherMode::Utf8).is_ok());
    assert!(parse(text, MatcherMode::Fallback).is_ok());
    let errors = parse_bad(text, MatcherMode::Classic);
    assert!(errors.contains("line 4: route.routes[0].group_by: invalid label name"), "{errors}");
    assert!(errors.contains("line 5: route.routes[0].matchers[0]: bad matcher format"), "{errors}");
    let old = "route:\n  receiver: a\n  routes:\n  - matchers: ['a=']\nreceivers: [{name: a}]\n";
    assert!(parse(old, MatcherMode::Classic).expect("classic").warnings.is_empty());
    let warnings = parse(old, MatcherMode::Fallback).expect("falls back").warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].starts_with("line 4: route.routes[0].matchers[0]: "), "{warnings:?}");
    assert!(parse(old, MatcherMode::Utf8).is_err());
}

#[test]
fn a_tab_in_a_text_stays() {
    let config = parse_good(
        "route:\n  receiver:\ta\nreceivers:\n- name:\ta\n  slack_configs:\n  \
         - {api_url: 'http://a/', text: \"x:\ty\", title: \"a\n\nb\"}\n",
    );
    let slack = &configs!(config.receivers[0], Slack)[0];
    assert_eq!((slack.text.as_str(), slack.title.as_str()), ("x:\ty", "a\nb"));
}

#[test]
fn paths_are_resolved_once_and_only_where_they_are_meant_to_be() {
    let mut config = parse_good(&format!(
        "{}templates: [a/*.tmpl, /abs]\nevent_recorder:\n  file_outputs: [{{name: f, path: ev}}]\n  \
         kafka_outputs: [{{name: k, brokers: [b], topic: t, tls_config: {{ca_file: k}}}}]\n",
        receiver(
            "{smtp_tls_config: {ca_file: smtp}, http_config: {tls_config: {ca_file: ca}, \
             basic_auth: {password_file: pw}, http_headers: {A: {files: [h]}}}}",
            "  webhook_configs: [{url_file: u}]\n  \
             slack_configs: [{api_url_file: s, http_config: {authorization: {credentials_file: c}}}]\n  \
             pushover_configs: [{user_key: u, token_file: t, http_config: {oauth2: {client_id: i, \
             token_url: t, client_secret_file: o, tls_config: {ca_file: oc}}}}]\n  \
             incidentio_configs: [{url_file: i, alert_source_token_file: it, \
             http_config: {tls_config: {ca_file: ic}}}]\n",
        )
    ));
    config.resolve_paths(Path::new("conf"));
    assert_eq!(config.templates, ["conf/a/*.tmpl", "/abs"]);
    let global = config.global.http_config.as_ref().expect("it was given");
    assert_eq!(global.tls_config.ca_file, "conf/ca");
    assert_eq!(global.http_headers["A"].files, ["conf/h"]);
    assert_eq!(config.global.smtp_tls_config.as_ref().expect("given").ca_file, "smtp");
    let receiver = &config.receivers[0];
    assert_eq!(configs!(receiver, Webhook)[0].http_config.as_ref(), Some(global));
    assert_eq!(configs!(receiver, Webhook)[0].url_file, "u");
    let slack = configs!(receiver, Slack)[0].http_config.as_ref().expect("it was given");
    assert_eq!(slack.authorization.as_ref().expect("given").credentials_file, "conf/c");
    assert_eq!(configs!(receiver, Slack)[0].api_url_file, "s");
    let pushover = configs!(receiver, Pushover)[0].http_config.as_ref().expect("it was given");
    let oauth2 = pushover.oauth2.as_ref().expect("it was given");
    assert_eq!(oauth2.client_secret_file, "conf/o");
    assert_eq!(oauth2.tls_config.ca_file, "conf/oc");
    let incidentio = configs!(receiver, IncidentIo)[0].http_config.as_ref().expect("it was given");
    assert_eq!(incidentio.tls_config.ca_file, "ic");
    let recorder = config.event_recorder.as_ref().expect("it was given");
    assert_eq!(recorder.file_outputs[0].path, "conf/ev");
    assert_eq!(recorder.kafka_outputs[0].tls_config.as_ref().expect("given").ca_file, "conf/k");
}

#[test]
fn joined_paths_are_cleaned_like_go_cleans_them() {
    let resolved = |base: &str, path: &str| {
        let mut config = parse_good(&format!("{}templates: [{path}]\n", receiver("{}", "")));
        config.resolve_paths(Path::new(base));
        config.templates.remove(0)
    };
    assert_eq!(resolved("/etc/am", "./t/*.tmpl"), "/etc/am/t/*.tmpl");
    assert_eq!(resolved("/etc/am/", "../t//x.tmpl"), "/etc/t/x.tmpl");
    assert_eq!(resolved("/etc", "../../x"), "/x");
    assert_eq!(resolved("", "./a/../../b"), "../b");
    assert_eq!(resolved("", "a/.."), ".");
    assert_eq!(resolved("/etc/am", "/x/../y"), "/x/../y");
}

#[test]
fn an_incidentio_receiver_without_http_settings_has_the_resolved_global_ones() {
    let lines = "  incidentio_configs: [{url: 'http://a/', alert_source_token: t}]\n";
    let mut config = parse_good(&receiver("{http_config: {tls_config: {ca_file: ca}}}", lines));
    config.resolve_paths(Path::new("conf"));
    let incidentio = configs!(config.receivers[0], IncidentIo)[0];
    assert_eq!(incidentio.http_config, config.global.http_config);
    let http = incidentio.http_config.as_ref().expect("the global block has defaults");
    assert_eq!(http.tls_config.ca_file, "conf/ca");
}

#[test]
fn a_global_url_gets_the_slash_of_the_integration_that_takes_it_over() {
    let global = "{opsgenie_api_url: 'http://o?q', victorops_api_url: 'http://v/x', \
                  wechat_api_url: 'http://w', opsgenie_api_key: k, victorops_api_key: k, \
                  wechat_api_secret: s, wechat_api_corp_id: c}";
    let lines = "  opsgenie_configs: [{}]\n  wechat_configs: [{}]\n  \
                 victorops_configs: [{routing_key: r, api_url: 'http://own'}]\n";
    let config = parse_good(&receiver(global, lines));
    let Global { opsgenie_api_url, wechat_api_url, victorops_api_url, .. } = &config.global;
    assert_eq!(opsgenie_api_url, "http://o/?q");
    assert_eq!(wechat_api_url, "http://w/");
    assert_eq!(victorops_api_url, "http://v/x");
    assert_eq!(configs!(config.receivers[0], Opsgenie)[0].api_url, "http://o/?q");
    assert_eq!(configs!(config.receivers[0], VictorOps)[0].api_url, "http://own/");
}

#[test]
fn the_headers_of_mails_are_printed_complete_where_a_route_uses_the_receiver() {
    let mail = "  email_configs: [{to: you, headers: {subject: hi}}]\n";
    let unused = mail.replace("you", "nobody");
    let text = receiver("{smtp_smarthost: 'mail:25', smtp_from: me}", mail);
    let printed = print(&parse_good(&format!("{text}- name: spare\n{unused}")));
    let complete = "    headers:\n      From: me\n      Subject: hi\n      To: you\n    html";
    assert!(printed.contains(complete), "{printed}");
    assert!(printed.contains("    headers:\n      Subject: hi\n    html"), "{printed}");
}

#[test]
fn limits_are_named_when_they_are_reached() {
    let long = format!("# {}\n", "x".repeat(yaml::TEXT_MAX_BYTES));
    let errors = parse_bad(&long, MatcherMode::Fallback);
    assert!(errors.contains("the text is longer than 16777216 bytes"), "{errors}");
    let many = format!("templates: [{}]", "a,".repeat(500_000));
    let errors = parse_bad(&many, MatcherMode::Fallback);
    assert_eq!(errors, "line 1: more than 500000 values");
    let unknown: String = (0..150).map(|number| format!("field{number}: 1\n")).collect();
    let errors = parse_bad(&unknown, MatcherMode::Fallback);
    assert_eq!(errors.lines().count(), 100);
}

#[test]
fn a_tree_of_routes_as_deep_as_allowed_is_read_and_printed() {
    let mut text = String::from("{receiver: a}");
    for _ in 0..98 {
        text = format!("{{receiver: a, routes: [{text}]}}");
    }
    let config = parse_good(&format!("route: {text}\nreceivers: [{{name: a}}]\n"));
    assert_eq!(print(&config).matches("routes:").count(), 98);
}

#[test]
fn a_rendered_value_with_the_same_key_twice_is_not_read() {
    let text = |text: &str| AnyValue::Text(text.to_owned());
    let map = |value| AnyValue::Map(vec![(text("a"), value)]);
    assert_eq!(read_value("a: [1]"), Some(map(AnyValue::List(vec![AnyValue::Int(1)]))));
    for twice in ["a: 1\na: 2", "{a: 1, b: {c: 1, c: 1}}", "Labels:\n - a\nLabels:\n - b\n"] {
        assert_eq!(read_value(twice), None, "{twice}");
    }
}
