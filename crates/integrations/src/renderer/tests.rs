use bellwether_model::{LabelSet, Notification, Reason};

use super::{Limit, Renderer};
use crate::secret::Files;
use crate::templates::{Definitions, TemplateFault, TextTemplate};
use crate::tests::{firing, many, mixed, resolved, templates};

/// What `ask` makes of a text, and the faults.
fn written(
    notification: &Notification,
    source: &str,
    ask: impl FnOnce(&mut Renderer<'_>, &TextTemplate) -> String,
) -> (String, Vec<TemplateFault>) {
    let mut templates = templates();
    let text = templates.text("title", source);
    let (definitions, _) = templates.finish([]);
    let files = Files::default();
    let mut renderer = Renderer::new(&definitions, notification, &files);
    let written = ask(&mut renderer, &text);
    (written, renderer.into_faults())
}

#[test]
fn the_fallback_of_a_line_names_the_failure_and_its_subject() {
    let (line, faults) =
        written(&mixed(), "x {{ .Nothing }}", |renderer, text| renderer.line(text));
    let reason = "template: :1:5: executing \"\" at <.Nothing>: can't evaluate field Nothing in \
                  type *template.Data";
    assert_eq!(
        line,
        format!(
            "[FIRING:2, RESOLVED:1] alertname=\"Disk\" [the template of title failed: {reason}]"
        )
    );
    assert_eq!(faults, [TemplateFault { field: "title".into(), reason: reason.to_owned() }]);
}

#[test]
fn invalid_template_fails_like_one_that_does_not_fit() {
    let mut templates = templates();
    let text = templates.text("title", "{{ .Status");
    assert_eq!(templates.faults().len(), 1);
    assert!(templates.faults()[0].reason.contains("unclosed action"), "{:?}", templates.faults());
    let (definitions, _) = templates.finish([]);
    let (files, resolved) = (Files::default(), resolved());
    let mut renderer = Renderer::new(&definitions, &resolved, &files);
    assert!(renderer.line(&text).starts_with("[RESOLVED:1] alertname=\"Disk\" ["));
}

#[test]
fn the_fallback_of_prose_lists_alerts() {
    let (prose, _) = written(&firing(), "{{ .Nothing }}", |renderer, text| renderer.prose(text));
    let lines: Vec<&str> = prose.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "[FIRING:1] alertname=\"Disk\"",
            "- firing: {alertname=\"Disk\", host=\"a\", severity=\"critical\"} full"
        ]
    );
    let (prose, _) = written(&many(25), "{{ .Nothing }}", |renderer, text| renderer.prose(text));
    assert_eq!(prose.matches("- firing").count(), 20);
    assert!(prose.contains("\n… and 5 more\n"), "{prose}");
}

#[test]
fn fallback_for_html_is_escaped() {
    let mut templates = templates();
    let text = templates.html("html", "<p>{{ .Nothing }}</p>");
    let (definitions, _) = templates.finish([]);
    let (files, mixed) = (Files::default(), mixed());
    let prose = Renderer::new(&definitions, &mixed, &files).prose(&text);
    assert!(prose.contains("&lt;b&gt;&#34;full&#34;&lt;/b&gt;"), "{prose}");
    assert!(!prose.contains("<b>"), "{prose}");
}

#[test]
fn failed_or_default_uses_its_default_and_failed_required_is_refused() {
    let failing = "{{ .Nothing }}";
    let (term, faults) =
        written(&firing(), failing, |renderer, text| renderer.or_default(text, "grey"));
    assert_eq!((term.as_str(), faults.len()), ("grey", 1));
    let (address, _) = written(&firing(), failing, |renderer, text| {
        format!("{:?}", renderer.required(text).expect_err("it fails"))
    });
    assert!(address.contains("Template") && address.contains("title: template"), "{address}");
}

#[test]
fn alerts_that_do_not_fit_are_counted() {
    let list = "{{ range .Alerts }}{{ .Labels.host }}\n{{ end }}";
    let fitted =
        |limit| written(&many(100), list, |renderer, text| renderer.prose_within(text, limit)).0;
    assert_eq!(fitted(Limit::Chars(1100)).lines().count(), 100);
    let cut = fitted(Limit::Chars(500));
    assert!(cut.chars().count() <= 500, "{cut}");
    assert!(cut.starts_with("host-00000\nhost-00001\n"), "{cut}");
    // 42 lines of 11 characters, and the last.
    assert!(cut.ends_with("host-00041\n… 58 more alerts did not fit"), "{cut}");
    assert!(fitted(Limit::Bytes(500)).len() <= 500);
    // Where not even one alert fits, the text is cut.
    assert_eq!(fitted(Limit::Chars(8)), "host-00…");
    let (plain, _) = written(&firing(), "äöüäöü", |renderer, text| {
        renderer.prose_within(text, Limit::Chars(4))
    });
    assert_eq!(plain, "äöü…");
}

#[test]
fn markup_stays_whole_where_a_text_is_cut() {
    let cut = |source: &str, limit| {
        let text = |renderer: &mut Renderer<'_>, text: &_| renderer.prose_within(text, limit);
        written(&firing(), source, text).0
    };
    assert_eq!(cut("The book: <http://x/yyyy|read it>", Limit::Chars(24)), "The book: …");
    assert_eq!(
        cut("Log:\n```\nline one\nline two\n```", Limit::Chars(24)),
        "Log:\n```\nline one\nl…\n```"
    );
    assert_eq!(cut("Log:\n```\nline one\nline two\n```", Limit::Bytes(12)), "Log:\n…");

    let mut templates = templates();
    let text = templates.html("html", "<p><a href=\"http://x/\">{{ .Status }}</a> and more</p>");
    let (definitions, _) = templates.finish([]);
    let (files, firing) = (Files::default(), firing());
    let mut renderer = Renderer::new(&definitions, &firing, &files);
    let mut cut = |limit| renderer.prose_within(&text, limit);
    let link = "<p><a href=\"http://x/\">";
    assert_eq!(cut(Limit::Chars(39)), format!("{link}firing</a> …</p>"));
    assert_eq!(cut(Limit::Bytes(36)), format!("{link}fi…</a></p>"));
    let limit = Limit::VisibleHtml { chars: 10, bytes: 100 };
    assert_eq!(cut(limit), format!("{link}firing</a> an…</p>"));
}

#[test]
fn only_the_list_gets_shorter_where_alerts_do_not_fit() {
    let text = "{{ $worst := \"\" }}{{ range .Alerts }}{{ $worst = .Labels.host }}{{ end -}}
        [{{ .Status }}:{{ len .Alerts.Firing }}] of {{ .Alerts | len }} {{ .CommonLabels.severity }} \
        {{ $worst }} {{ (index .Alerts.Firing 7).Labels.host }}\n\
        {{ if .Alerts.Firing }}List:\n{{ end -}}
        {{ range $at, $alert := .Alerts.Firing }}{{ $at }} {{ .Labels.host }}\n{{ end }}";
    let (cut, faults) =
        written(&many(10), text, |renderer, text| renderer.prose_within(text, Limit::Chars(120)));
    assert_eq!(
        cut,
        "[firing:10] of 10 warning host-00009 host-00007\nList:\n0 host-00000\n1 host-00001\n\
         2 host-00002\n… 7 more alerts did not fit"
    );
    assert_eq!(faults, []);
}

#[test]
fn alerts_that_a_text_does_not_list_are_not_missing() {
    // Two fire and one is resolved; the text lists the resolved one only.
    let text = "{{ range .Alerts.Resolved }}{{ .Labels.host }}\n{{ end }}{{ range slice .Alerts 0 2 }}\
                ({{ .Labels.host }} is {{ .Status }} as far as anybody can see from here)\n{{ end }}";
    let (cut, _) =
        written(&mixed(), text, |renderer, text| renderer.prose_within(text, Limit::Chars(100)));
    assert_eq!(
        cut,
        "(a is firing as far as anybody can see from here)\n… 1 more alert did not fit"
    );
}

#[test]
fn alerts_left_out_of_html_leave_no_tag_open() {
    let mut templates = templates();
    let text = templates
        .html("message", "<ul>{{ range .Alerts }}<li><b>{{ .Labels.host }}</b></li>{{ end }}</ul>");
    let (definitions, _) = templates.finish([]);
    let (files, many) = (Files::default(), many(10));
    let mut renderer = Renderer::new(&definitions, &many, &files);
    assert_eq!(
        renderer.prose_within(&text, Limit::Chars(100)),
        "<ul><li><b>host-00000</b></li><li><b>host-00001</b></li></ul>\n… 8 more alerts did not fit"
    );
}

#[test]
fn firing_alerts_are_kept_first() {
    let list = "{{ range .Alerts }}{{ .Labels.host }} {{ .Status }} {{ .CommonLabels }}\n{{ end }}";
    let list = list.replace(" {{ .CommonLabels }}", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    let (text, faults) =
        written(&mixed(), &list, |renderer, text| renderer.prose_within(text, Limit::Chars(120)));
    assert!(text.ends_with("\n… 1 more alert did not fit"), "{text}");
    assert!(text.contains("a firing") && text.contains("c firing"), "{text}");
    assert!(faults.is_empty());
}

fn with_route_labels(labels: &[(&str, &str)]) -> (String, Vec<String>) {
    let mut notification = firing();
    notification.route_labels = LabelSet::new(labels.iter().copied());
    let mut templates = templates();
    let text = templates.text("title", "{{ .RouteLabels }} {{ routeLabels \"a\" }}");
    let values: Vec<&str> = labels.iter().map(|(_, value)| *value).collect();
    let (definitions, _): (Definitions, _) = templates.finish(values);
    let files = Files::default();
    let mut renderer = Renderer::new(&definitions, &notification, &files);
    let line = renderer.line(&text);
    (line, renderer.into_faults().iter().map(ToString::to_string).collect())
}

#[test]
fn route_labels_are_templates_that_know_each_other() {
    assert_eq!(with_route_labels(&[("a", "x"), ("b", "y")]), ("a=x, b=y x".into(), vec![]));
    let (line, faults) = with_route_labels(&[
        ("a", "<{{ routeLabels \"b\" }}>"),
        ("b", "{{ .GroupLabels.alertname }}{{ routeLabels \"c\" }}"),
        ("c", "{{ .Status }}{{ routeLabels \"none\" }}"),
    ]);
    assert_eq!(line, "a=<Diskfiring>, b=Diskfiring, c=firing <Diskfiring>");
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn route_labels_that_fail_are_left_out() {
    let (line, faults) = with_route_labels(&[
        ("a", "{{ routeLabels \"b\" }}"),
        ("b", "{{ routeLabels \"a\" }}"),
        ("c", "{{ .Nothing }}"),
        ("d", "{{ .Status }}"),
    ]);
    assert_eq!(line, "d=firing ");
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(faults.iter().any(|fault| fault.contains("cycle detected: a -> b -> a")), "{faults:?}");
}

#[test]
fn same_content_has_the_same_idempotency_key() {
    let key = |notification: &Notification| {
        let (definitions, _) = templates().finish([]);
        let files = Files::default();
        Renderer::new(&definitions, notification, &files).idempotency_key()
    };
    let mut later = firing();
    later.now = later.now.plus(std::time::Duration::from_secs(30));
    assert_eq!(key(&firing()), key(&later));
    let mut keys = vec![key(&firing()), key(&resolved()), key(&mixed())];
    let mut other = firing();
    other.integration.index = 1;
    keys.push(key(&other));
    let mut repeated = firing();
    repeated.reason = Reason::RepeatIntervalElapsed;
    keys.push(key(&repeated));
    repeated.now = repeated.now.plus(std::time::Duration::from_secs(60));
    keys.push(key(&repeated));
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 6);
}
