//! What both servers are asked, in this order: later questions see what earlier ones have left.
//!
//! `{now}`, `{-1h}`, `{+1h}`, … are times, `{start0}` is that of the first silence, `{id0}`, `{id1}`, … for the ids of the silences in
//! the order in which they were made.

/// One request and how the answers have to compare.
pub struct Step {
    pub method: &'static str,
    pub path: &'static str,
    pub headers: &'static [(&'static str, &'static str)],
    pub body: &'static str,
    pub expect: Expect,
}

pub enum Expect {
    Same,
    /// Ours has this status, and a body with this part.
    Differs {
        status: u16,
        body: &'static str,
        because: &'static str,
    },
}

const fn get(path: &'static str) -> Step {
    Step { method: "GET", path, headers: &[], body: "", expect: Expect::Same }
}

const fn post(path: &'static str, body: &'static str) -> Step {
    Step { method: "POST", path, headers: JSON, body, expect: Expect::Same }
}

const fn delete(path: &'static str) -> Step {
    Step { method: "DELETE", path, headers: &[], body: "", expect: Expect::Same }
}

impl Step {
    const fn with(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        self.headers = headers;
        self
    }

    const fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    const fn differs(mut self, status: u16, body: &'static str, because: &'static str) -> Self {
        self.expect = Expect::Differs { status, body, because };
        self
    }
}

const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];
const ALERTS: &str = "/api/v2/alerts";
const SILENCES: &str = "/api/v2/silences";
const GROUPS: &str = "/api/v2/alerts/groups";

const NEWER_TIMES: &str = "0.34 tries one more form of times, and its message names the last one";
const NEWER_WORDS: &str = "0.34 has other words, as silences may have several sets of matchers";
const NEWER_STATES: &str = "0.34 selects silences by their states";
const NEWER_LIBRARY: &str = "0.34 is built with a newer version of Go";
const NEWER_ORIGINS: &str = "0.35 lets no page of another origin in unless it is asked to";

pub const TABLE: &[Step] = &[
    // An empty server.
    get("/-/healthy"),
    get("/-/ready"),
    get("/-/healthy").method("HEAD"),
    get(ALERTS),
    get(GROUPS),
    get(SILENCES),
    get("/api/v2/receivers"),
    get("/api/v2/nothing"),
    get("/nothing"),
    get("/api/v2/alerts/"),
    // Alerts, good and bad.
    post(ALERTS, r#"[{"labels":{"alertname":"Full","team":"disk","severity":"warning","job":"b"},"annotations":{"summary":"a <b> & c"},"startsAt":"{now}","endsAt":"{+1h}","generatorURL":"http://prometheus.example/graph?a=1&b=2"}]"#),
    post(ALERTS, r#"[{"labels":{"alertname":"Full","team":"disk","severity":"critical","job":"a"},"startsAt":"{now}","endsAt":"{+1h}"},{"labels":{"alertname":"Slow","team":"web","empty":""},"startsAt":"{now}","endsAt":"{+1h}"}]"#),
    post(ALERTS, r#"[{"labels":{"alertname":"Draining","team":"drain"}}]"#),
    post(ALERTS, r#"[{"labels":{"alertname":"Over","team":"web"},"startsAt":"{-2h}","endsAt":"{-10m}"}]"#),
    post(ALERTS, "[]"),
    post(ALERTS, ""),
    post(ALERTS, "null"),
    post(ALERTS, "["),
    post(ALERTS, "{}"),
    post(ALERTS, r#"[{"labels":{"a":1}}]"#),
    post(ALERTS, r#"[{"annotations":{"a":"b"}}]"#),
    post(ALERTS, r#"[{"labels":{}}]"#),
    post(ALERTS, r#"[{"labels":{"a":""}}]"#),
    post(ALERTS, r#"[{"labels":{"alertname":"Bad"},"startsAt":"{+2h}","endsAt":"{+1h}"}]"#),
    post(ALERTS, r#"[{"labels":{"alertname":"Bad"},"startsAt":"tomorrow"}]"#)
        .differs(400, "parsing time", NEWER_TIMES),
    post(ALERTS, r#"[{"labels":{"alertname":"Bad"},"generatorURL":"no url"}]"#),
    post(ALERTS, r#"[{"LABELS":{"alertname":"CaseOfKeys"},"endsAt":"{+1h}","unknown":[1,{}]}]"#),
    post(ALERTS, r#"[{"labels":{"alertname":"Trailing"},"endsAt":"{+1h}"}] trailing"#),
    post(ALERTS, "[]").with(&[]),
    post(ALERTS, "[]").with(&[("Content-Type", "text/plain")]),
    post(ALERTS, "[]").with(&[("Content-Type", "application/json; charset=utf-8")]),
    get(ALERTS).with(&[("Accept", "text/html")]),
    get(GROUPS).method("DELETE"),
    // Listing them.
    get(ALERTS),
    get("/api/v2/alerts?filter=team%3D%22disk%22"),
    get("/api/v2/alerts?filter=team%3Ddisk&filter=severity%3D~crit.*"),
    get("/api/v2/alerts?filter=team!%3Ddisk"),
    get("/api/v2/alerts?filter=nothing%3D%22%22&filter=alertname!~%22F.*%22"),
    get("/api/v2/alerts?filter=team"),
    get("/api/v2/alerts?filter=team%3D~%22(%22"),
    get("/api/v2/alerts?receiver=disk"),
    get("/api/v2/alerts?receiver=dis"),
    get("/api/v2/alerts?receiver=("),
    get("/api/v2/alerts?active=false"),
    get("/api/v2/alerts?inhibited=false"),
    get("/api/v2/alerts?inhibited=no&unknown=1"),
    get("/api/v2/alerts?active=maybe"),
    get(GROUPS),
    get("/api/v2/alerts/groups?receiver=storage"),
    get("/api/v2/alerts/groups?filter=team%3Dweb&inhibited=false"),
    get("/api/v2/alerts/groups?filter=)"),
    // Silences.
    post(SILENCES, r#"{"matchers":[{"name":"team","value":"web","isRegex":false}],"startsAt":"{now}","endsAt":"{+1h}","createdBy":"a","comment":"<b> & c"}"#),
    post(SILENCES, r#"{"matchers":[{"name":"team","value":"d.*","isRegex":true,"isEqual":false}],"startsAt":"{+1h}","endsAt":"{+2h}","createdBy":"a","comment":"later"}"#),
    get(SILENCES),
    get("/api/v2/silence/{id0}"),
    get("/api/v2/silences?filter=team%3D%22web%22"),
    get("/api/v2/silences?filter=team"),
    get("/api/v2/silence/00000000-0000-4000-8000-000000000000"),
    get("/api/v2/silence/nonsense"),
    get("/api/v2/alerts?silenced=false"),
    get("/api/v2/alerts?filter=team%3Dweb"),
    post(SILENCES, r#"{"id":"{id0}","matchers":[{"name":"team","value":"web","isRegex":false}],"startsAt":"{start0}","endsAt":"{+2h}","createdBy":"a","comment":"longer"}"#),
    get("/api/v2/silence/{id0}"),
    post(SILENCES, r#"{"id":"00000000-0000-4000-8000-000000000000","matchers":[{"name":"a","value":"b","isRegex":false}],"startsAt":"{now}","endsAt":"{+1h}","createdBy":"a","comment":"c"}"#),
    post(SILENCES, r#"{"matchers":[],"startsAt":"{now}","endsAt":"{+1h}","createdBy":"a","comment":"c"}"#),
    post(SILENCES, r#"{"startsAt":"{now}","endsAt":"{+1h}","createdBy":"a","comment":"c"}"#),
    post(SILENCES, r#"{"matchers":[{"value":"b","isRegex":false}],"startsAt":"{now}","endsAt":"{+1h}","createdBy":"a","comment":"c"}"#),
    post(SILENCES, r#"{"matchers":[{"name":"a","value":"(","isRegex":true}],"startsAt":"{now}","endsAt":"{+1h}","createdBy":"a","comment":"c"}"#)
        .differs(400, "invalid silence: ", NEWER_WORDS),
    post(SILENCES, r#"{"matchers":[{"name":"a","value":"","isRegex":false}],"startsAt":"{now}","endsAt":"{+1h}","createdBy":"a","comment":"c"}"#)
        .differs(400, "invalid silence: ", NEWER_WORDS),
    post(SILENCES, r#"{"matchers":[{"name":"a","value":"b","isRegex":false}],"startsAt":"{+2h}","endsAt":"{+1h}","createdBy":"a","comment":"c"}"#),
    post(SILENCES, r#"{"matchers":[{"name":"a","value":"b","isRegex":false}],"startsAt":"{-2h}","endsAt":"{-1h}","createdBy":"a","comment":"c"}"#),
    post(SILENCES, r#"{"matchers":[{"name":"a","value":"b","isRegex":false}],"startsAt":"{now}","endsAt":"{+1h}","comment":"c"}"#),
    post(SILENCES, "{"),
    post(SILENCES, ""),
    delete("/api/v2/silence/{id0}"),
    delete("/api/v2/silence/{id0}"),
    delete("/api/v2/silence/00000000-0000-4000-8000-000000000000")
        .differs(404, "", "0.34 answers 404 to unknown ids"),
    delete("/api/v2/silence/nonsense"),
    get("/api/v2/silences?active=false&pending=false")
        .differs(200, "\"state\":\"expired\"", NEWER_STATES),
    get("/api/v2/silences?expired=false")
        .differs(200, "\"state\":\"pending\"", NEWER_STATES),
    // The rest.
    get("/-/reload"),
    post("/-/reload", ""),
    get("/-/healthy").method("POST"),
    get("/api/v1/alerts")
        .differs(410, "deprecated", "version 1 of the API is gone since 0.27"),
    get("/api/v2/status").method("POST"),
    get(ALERTS).with(&[("Origin", "http://elsewhere.example")]),
    get(ALERTS).method("OPTIONS").with(&[("Origin", "http://elsewhere.example"), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "content-type")])
        .differs(405, "method OPTIONS is not allowed", NEWER_ORIGINS),
    get(GROUPS).method("OPTIONS"),
    get("//api/v2/alerts")
        .differs(307, "/api/v2/alerts", NEWER_LIBRARY),
    get("/api/v2/../v2/alerts")
        .differs(307, "/api/v2/alerts", NEWER_LIBRARY),
];
