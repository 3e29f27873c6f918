//! Which receivers are compared, and how they are configured.

/// One block of a receiver.
pub struct Block {
    /// Unique; the first part of the path that it sends to.
    pub name: &'static str,
    /// As in `<kind>_configs`.
    pub kind: &'static str,
    /// YAML; `SINK` is replaced by the URL, which ends with a slash.
    pub settings: &'static str,
    /// How many requests a notification takes while alerts fire, and when all are resolved.
    pub firing: usize,
    pub resolved: usize,
    pub compared: Compared,
}

/// How the body is compared with that of 0.25.
#[derive(Clone, Copy)]
pub enum Compared {
    Bytes,
    /// As JSON, whose members may stand in another order, without those that 0.25 does not send.
    Json {
        newer: &'static [&'static str],
    },
}

pub const TABLE: &[Block] = &[
    Block {
        name: "webhook",
        kind: "webhook",
        settings: "url: SINK",
        firing: 1,
        resolved: 1,
        compared: Compared::Json { newer: &["notification_reason", "routeLabels"] },
    },
    Block {
        name: "pagerduty",
        kind: "pagerduty",
        // The default details of 0.34 are lists and numbers, those of 0.25 texts.
        settings: r#"
url: SINK
routing_key: key
severity: '{{ .CommonLabels.severity }}'
class: disk
component: '{{ .GroupLabels.alertname }}'
group: '{{ .CommonLabels.nothing }}'
images: [{src: 'http://image.example/{{ .Status }}', alt: a, href: h}, {src: '', alt: none}]
links: [{href: 'http://link.example/', text: '<{{ .Status }}>'}]
details:
  firing: '{{ template "pagerduty.default.instances" .Alerts.Firing }}.'
  resolved: '{{ .Alerts.Resolved | len }} resolved'
  num_firing: '{{ .Alerts.Firing | len }} firing'
  num_resolved: none
"#,
        firing: 1,
        resolved: 1,
        compared: Compared::Bytes,
    },
    Block {
        name: "opsgenie",
        kind: "opsgenie",
        settings: "{api_url: SINK, api_key: key}",
        firing: 1,
        resolved: 1,
        compared: Compared::Bytes,
    },
    Block {
        name: "opsgenie-full",
        kind: "opsgenie",
        settings: r#"
api_url: SINK
api_key: key
source: '{{ .ExternalURL }}'
details: {severity: other, 'x<y': '{{ .Status }}'}
entity: '{{ .GroupLabels.alertname }}'
actions: 'restart,,sleep'
tags: ' a,b,{{ .Status }} '
note: a note
priority: P2
update_alerts: true
responders: [{id: one, type: user}, {name: 'x,y', type: teams}, {username: u, type: team}]
"#,
        firing: 3,
        resolved: 1,
        compared: Compared::Bytes,
    },
    Block {
        name: "victorops",
        kind: "victorops",
        settings: "{api_url: SINK, api_key: key, routing_key: team}",
        firing: 1,
        resolved: 1,
        compared: Compared::Bytes,
    },
    Block {
        name: "victorops-full",
        kind: "victorops",
        settings: r#"
api_url: SINK
api_key: key
routing_key: "{{ .GroupLabels.alertname }} & co/x?y#z%41[ü]"
message_type: '{{ if eq .Status "firing" }}WARNING{{ else }}odd{{ end }}'
state_message: '{{ .CommonAnnotations.same }}'
entity_display_name: '{{ range .CommonLabels.SortedPairs }}{{ .Value }} {{ end }}'
monitoring_tool: mine
custom_fields: {zeta: '{{ .Status }}', 'A<': b}
"#,
        firing: 1,
        resolved: 1,
        compared: Compared::Bytes,
    },
    Block {
        name: "slack",
        kind: "slack",
        settings: "{api_url: SINK, channel: '#{{ .CommonLabels.severity }}', send_resolved: true}",
        firing: 1,
        resolved: 1,
        compared: Compared::Json { newer: &[] },
    },
    Block {
        name: "slack-full",
        kind: "slack",
        settings: r#"
api_url: SINK
channel: ops
send_resolved: true
username: bell
icon_url: http://x/i
link_names: true
short_fields: true
pretext: '<{{ .Status }}>'
text: '{{ range .Alerts }}{{ .Annotations.summary }} {{ .Labels.host }}{{ end }}'
image_url: http://x/image
thumb_url: http://x/thumb
footer: '{{ .ExternalURL }}'
callback_id: '{{ .GroupLabels.alertname }}'
mrkdwn_in: [text]
fields: [{title: T, value: '{{ .Status }}'}, {title: U, value: u, short: false}]
actions:
- {type: button, text: Go, url: 'http://x/{{ .Status }}', style: danger}
- {type: button, text: Ask, name: n, value: v, confirm: {text: 'Sure?', ok_text: Yes}}
"#,
        firing: 1,
        resolved: 1,
        compared: Compared::Json { newer: &[] },
    },
    Block {
        name: "discord",
        kind: "discord",
        settings: "webhook_url: SINK",
        firing: 1,
        resolved: 1,
        compared: Compared::Bytes,
    },
    Block {
        name: "telegram",
        kind: "telegram",
        settings: "{api_url: SINK, bot_token: '1:token', chat_id: -42, disable_notifications: true}",
        firing: 1,
        resolved: 1,
        compared: Compared::Bytes,
    },
    Block {
        name: "webex",
        kind: "webex",
        settings: r#"
api_url: SINK
room_id: room
http_config: {authorization: {credentials: token}}
"#,
        firing: 1,
        resolved: 1,
        compared: Compared::Bytes,
    },
    Block {
        name: "wechat",
        kind: "wechat",
        settings: r#"
api_url: SINK
corp_id: corp
api_secret: s&cret
to_user: '@all'
agent_id: '7'
message_type: markdown
send_resolved: true
"#,
        // First it asks for a token.
        firing: 2,
        resolved: 1,
        compared: Compared::Bytes,
    },
];
