use super::{Fields, Value};

fn fields() -> Fields {
    Fields {
        message: "Listening on".into(),
        component: Some("web".into()),
        others: vec![
            ("address", Value::Text("[::]:9093".into())),
            ("reason", Value::Text("a \"b\"\n".into())),
            ("empty", Value::Text(String::new())),
            ("path", Value::Text("C:\\data".into())),
            ("pair", Value::Text("a=b".into())),
            ("name", Value::Text("größe".into())),
            ("space", Value::Text("a\u{a0}b".into())),
            ("count", Value::Bare("3".into())),
            ("open", Value::Bare("true".into())),
        ],
    }
}

#[test]
fn text_lines_are_those_of_slog() {
    assert_eq!(
        fields().logfmt("2026-01-02T03:04:05.678Z", "INFO", "boot.rs:12"),
        concat!(
            "time=2026-01-02T03:04:05.678Z level=INFO source=boot.rs:12 msg=\"Listening on\" ",
            "component=web address=[::]:9093 reason=\"a \\\"b\\\"\\n\" empty=\"\" ",
            "path=C:\\data pair=\"a=b\" name=größe space=\"a\\u00a0b\" count=3 open=true\n"
        )
    );
}

#[test]
fn json_lines_are_those_of_slog() {
    assert_eq!(
        fields().json("2026-01-02T03:04:05.678901Z", "WARN", "boot.rs:12"),
        concat!(
            r#"{"time":"2026-01-02T03:04:05.678901Z","level":"WARN","source":"boot.rs:12","#,
            r#""msg":"Listening on","component":"web","address":"[::]:9093","#,
            r#""reason":"a \"b\"\n","empty":"","path":"C:\\data","pair":"a=b","name":"größe","#,
            "\"space\":\"a\u{a0}b\",\"count\":3,\"open\":true}\n"
        )
    );
}
