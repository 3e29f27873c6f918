use std::cell::Cell;

use crate::{ErrorKind, Function, Limits, ParseLimits, Templates, Type, Value};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "list",
        parameters: &[],
        rest: Some(Type::Any),
        body: |call| Ok(Value::list(call.arguments().to_vec())),
    },
    Function::new("slow", &[], |call| {
        call.costs(1000);
        Ok(Value::Nil)
    }),
];

#[test]
fn endless_loops_run_out_of_steps() {
    refused("{{range 1000000000}}{{end}}", small(), "exceeded maximum number of steps (10000)");
    refused(
        "{{range 100000}}{{range 100000}}{{end}}{{end}}",
        small(),
        "exceeded maximum number of steps (10000)",
    );
}

#[test]
fn a_render_ends_when_it_is_interrupted() {
    let asked = Cell::new(0);
    let interrupt = || {
        asked.set(asked.get() + 1);
        (asked.get() == 10).then(|| "it is late".to_owned())
    };
    let prepared =
        Templates::new(FUNCTIONS).prepare("{{range 1000000}}{{end}}").expect("the text is good");
    let error = prepared
        .render_unless(&Value::Nil, &(), Limits::default(), &interrupt)
        .expect_err("it is interrupted");
    assert_eq!(error.kind, ErrorKind::Limit);
    assert!(error.text.ends_with(": it is late"), "{error}");
    assert_eq!(asked.get(), 10);
}

#[test]
fn a_function_can_cost_more_than_its_result() {
    let prepared =
        Templates::new(FUNCTIONS).prepare("{{range 20}}{{slow}}{{end}}").expect("the text is good");
    let error = prepared.render(&Value::Nil, &(), small()).expect_err("it is too much");
    assert!(error.text.contains("exceeded maximum number of steps (10000)"), "{error}");
}

#[test]
fn endless_recursion_is_too_deep() {
    let text = r#"{{define "x"}}{{template "x"}}{{end}}{{template "x"}}"#;
    refused(text, Limits::default(), "exceeded maximum template depth (200)");
    let text = r#"{{define "x"}}{{if true}}{{with (print (print 1))}}{{template "x" .}}{{end}}{{end}}{{end}}{{template "x"}}"#;
    refused(text, Limits::default(), "exceeded maximum");
}

#[test]
fn a_text_that_doubles_is_too_long() {
    let text = r#"{{$x := "0123456789"}}{{range 100}}{{$x = print $x $x}}{{end}}"#;
    refused(text, small(), "exceeded maximum output size (1000 bytes)");
    refused(r#"{{printf "%5000d" 1}}"#, small(), "exceeded maximum output size (1000 bytes)");
    refused("{{range 2000}}x{{end}}", small(), "exceeded maximum output size (1000 bytes)");
    refused(
        r#"{{$x := list 1}}{{range 30}}{{$x = list $x $x}}{{end}}{{$x}}"#,
        Limits { output_bytes: 100_000, ..Limits::default() },
        "exceeded maximum output size",
    );
}

#[test]
fn lists_are_not_nested_without_end() {
    let text = r#"{{$x := list}}{{range 5000}}{{$x = list $x}}{{end}}"#;
    refused(text, Limits::default(), "exceeded maximum nesting of lists and maps (64)");
}

#[test]
fn escaped_html_counts_as_output() {
    let prepared = Templates::new(FUNCTIONS)
        .prepare_html(r#"<a title="{{range 200}}{{"<>"}}{{end}}">"#)
        .expect("the text is good");
    let error = prepared.render(&Value::Nil, &(), small()).expect_err("it is too long");
    assert_eq!(error.kind, ErrorKind::Limit);
    assert!(error.text.contains("exceeded maximum output size (1000 bytes)"), "{error}");
}

#[test]
fn deep_texts_are_refused_by_the_parser() {
    let deep = |open: &str, middle: &str, close: &str| {
        let text = format!("{}{middle}{}", open.repeat(100_000), close.repeat(100_000));
        let error = Templates::new(FUNCTIONS).prepare(&text).err().expect("it is too deep");
        assert_eq!(error.kind, ErrorKind::Limit);
        assert_eq!(error.text, "template: :1: max expression depth exceeded");
    };
    deep("{{if 1}}", "", "{{end}}");
    deep("{{if 1}}{{else if 2}}", "", "{{end}}");
    let text = format!("{{{{{}1{}}}}}", "(".repeat(100_000), ")".repeat(100_000));
    let error = Templates::new(FUNCTIONS).prepare(&text).err().expect("it is too deep");
    assert_eq!(error.kind, ErrorKind::Limit);
}

#[test]
fn what_the_parser_lets_through_is_rendered_on_an_ordinary_stack() {
    let nesting = ParseLimits::default().nesting;
    let text = format!("{}x{}", "{{if 1}}".repeat(nesting), "{{end}}".repeat(nesting));
    assert_eq!(render(&text).expect("it is just shallow enough"), "x");
    let text = format!("{{{{{}1{}}}}}", "(print ".repeat(nesting - 1), ")".repeat(nesting - 1));
    assert!(render(&text).is_ok_and(|text| text == "1"));
}

#[test]
fn long_texts_are_refused_by_the_parser() {
    let limits = ParseLimits { text_bytes: 10, ..ParseLimits::default() };
    let mut templates = Templates::new(FUNCTIONS).with_limits(limits);
    let error = templates.parse("x.tmpl", "01234567890").expect_err("it is too long");
    assert_eq!(
        (error.kind, error.text.as_str()),
        (ErrorKind::Limit, "template: x.tmpl: text exceeds 10 bytes",)
    );
    assert_eq!(templates.parse("x.tmpl", "0123456789"), Ok(()));
}

#[test]
fn escaping_does_not_take_for_ever() {
    let text = "{{1}}".repeat(200_001);
    let prepared = Templates::new(FUNCTIONS).prepare_html(&text).expect("the text is good");
    let error = prepared.render(&Value::Nil, &(), Limits::default()).expect_err("it is too much");
    assert_eq!(error.kind, ErrorKind::Limit);
    assert_eq!(error.text, "html/template: escaping takes more than 200000 steps");
}

#[test]
fn definitions_that_call_each_other_are_escaped_on_an_ordinary_stack() {
    let mut text = String::new();
    for number in 0..1000 {
        let next = number + 1;
        text.push_str(&format!(
            "{{{{define \"{number}\"}}}}{{{{template \"{next}\"}}}}{{{{end}}}}"
        ));
    }
    let text = format!("{text}{{{{define \"1000\"}}}}x{{{{end}}}}{{{{template \"0\"}}}}");
    let prepared = Templates::new(FUNCTIONS).prepare_html(&text).expect("the text is good");
    let error = prepared.render(&Value::Nil, &(), Limits::default()).expect_err("it is too deep");
    assert_eq!(error.kind, ErrorKind::Limit);
}

fn small() -> Limits {
    Limits { steps: 10_000, output_bytes: 1000, ..Limits::default() }
}

fn refused(text: &str, limits: Limits, reason: &str) {
    let prepared = Templates::new(FUNCTIONS).prepare(text).expect("the text is good");
    let error = prepared.render(&Value::Nil, &(), limits).expect_err(text);
    assert_eq!(error.kind, ErrorKind::Limit, "{error}");
    assert!(error.text.contains(reason), "{error}");
}

fn render(text: &str) -> Result<String, crate::Error> {
    Templates::new(FUNCTIONS).prepare(text)?.render(&Value::Nil, &(), Limits::default())
}
