//! The host's types and functions of the cases, as the generator's `host.go` has them.

use std::sync::Arc;

use bellwether_template::{
    Body, Call, Function, List, Map, Object, Text, Trust, Type, Value, to_json,
};

struct Words(Arc<List>);

struct Entry([(&'static str, Value); 2]);

struct Entries(Arc<List>);

struct Table(Arc<Map>);

struct Span(i64);

struct Instant(i64);

struct Event(Vec<(&'static str, Value)>);

struct Events(Arc<List>);

struct Page(Vec<(&'static str, Value)>);

pub fn page() -> Value {
    let table = |entries: &[(&str, &str)]| {
        let entries = entries.iter().map(|(name, value)| (*name, Value::from(*value)));
        Value::object(Table(Arc::new(Map::new(Type::Text, entries))))
    };
    let event = |firing: bool, host: &str, at, took, count, size, ratio, tags: &[&str], extra| {
        Value::object(Event(vec![
            ("Status", Value::from(if firing { "firing" } else { "resolved" })),
            ("Labels", table(&[("alertname", "Full"), ("host", host), ("team", "x")])),
            ("At", Value::object(Instant(at))),
            ("Took", Value::object(Span(took))),
            ("Count", Value::Int(count)),
            ("Size", Value::Uint(size)),
            ("Ratio", Value::Float(ratio)),
            ("Ok", Value::Bool(firing)),
            ("Tags", Value::texts(tags.iter().copied())),
            ("Extra", extra),
        ]))
    };
    let events = vec![
        event(true, "a<1>", 100, 1500, 3, 7, 0.25, &["p", "q"], Value::Int(5)),
        event(false, "b&2", 200, 20, -1, 0, 1e9, &[], Value::Nil),
        event(true, "c\"3'", 300, 0, 0, u64::MAX, -2.5, &[], Value::from("text")),
    ];
    Value::object(Page(vec![
        ("Receiver", Value::from("team-x")),
        ("Status", Value::from("firing")),
        ("Events", Value::object(Events(Arc::new(List::new(Type::Object("main.Event"), events))))),
        ("Common", table(&[("alertname", "Full"), ("team", "x")])),
        ("Group", table(&[("alertname", "Full")])),
        ("URL", Value::from("http://am.example/#/alerts?a=b c")),
    ]))
}

pub fn from_json(text: &str) -> Value {
    fn value(json: serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Nil,
            serde_json::Value::Bool(truth) => Value::Bool(truth),
            serde_json::Value::Number(number) => {
                Value::Float(number.as_f64().expect("a number of a case is a float"))
            }
            serde_json::Value::String(text) => Value::from(text),
            serde_json::Value::Array(items) => Value::list(items.into_iter().map(value).collect()),
            serde_json::Value::Object(entries) => {
                Value::map(entries.into_iter().map(|(key, item)| (key, value(item))))
            }
        }
    }
    value(serde_json::from_str(text).expect("the data of a case is JSON"))
}

impl Object for Words {
    fn type_name(&self) -> &'static str {
        "main.Words"
    }

    fn body(&self) -> Body<'_> {
        Body::Like(Value::List(self.0.clone()))
    }

    fn methods(&self) -> &'static [Function] {
        const METHODS: &[Function] = &[function("Join", &[Type::Text], |call| {
            Ok(Value::from(joined(&call.receiver::<Words>().0.items, &call.text(0))))
        })];
        METHODS
    }
}

impl Object for Entry {
    fn type_name(&self) -> &'static str {
        "main.Entry"
    }

    fn body(&self) -> Body<'_> {
        Body::Fields(&self.0)
    }
}

impl Object for Entries {
    fn type_name(&self) -> &'static str {
        "main.Entries"
    }

    fn body(&self) -> Body<'_> {
        Body::Like(Value::List(self.0.clone()))
    }

    fn methods(&self) -> &'static [Function] {
        const METHODS: &[Function] = &[
            function("Names", &[], |call| Ok(call.receiver::<Entries>().column(0))),
            function("Values", &[], |call| Ok(call.receiver::<Entries>().column(1))),
        ];
        METHODS
    }
}

impl Entries {
    fn column(&self, column: usize) -> Value {
        let items = self.0.items.iter().map(|item| match item {
            Value::Object(object) => {
                let entry: &Entry = object.downcast().expect("a list of entries");
                entry.0[column].1.clone()
            }
            _ => Value::Nil,
        });
        Value::object(Words(Arc::new(List::new(Type::Text, items.collect()))))
    }
}

impl Table {
    fn sorted(&self) -> Entries {
        let entries = self.0.iter().map(|(name, value)| {
            Value::object(Entry([("Name", Value::Text(name.clone())), ("Value", value.clone())]))
        });
        Entries(Arc::new(List::new(Type::Object("main.Entry"), entries.collect())))
    }

    fn without(&self, names: &[Value]) -> Table {
        let is_named =
            |key: &Text| names.iter().any(|name| matches!(name, Value::Text(name) if name == key));
        let rest = self.0.iter().filter(|(key, _)| !is_named(key));
        let rest = rest.map(|(key, value)| (key.clone(), value.clone()));
        Table(Arc::new(Map::new(Type::Text, rest)))
    }
}

impl Object for Table {
    fn type_name(&self) -> &'static str {
        "main.Table"
    }

    fn body(&self) -> Body<'_> {
        Body::Like(Value::Map(self.0.clone()))
    }

    fn methods(&self) -> &'static [Function] {
        const METHODS: &[Function] = &[
            function("Sorted", &[], |call| Ok(Value::object(call.receiver::<Table>().sorted()))),
            function("Without", &[Type::List(&Type::Text)], |call| {
                Ok(Value::object(call.receiver::<Table>().without(&call.items(0))))
            }),
            function("String", &[], |call| {
                Ok(Value::from(call.receiver::<Table>().text().expect("a table has a text")))
            }),
        ];
        METHODS
    }

    fn text(&self) -> Option<String> {
        let parts = self.0.iter().map(|(name, value)| {
            format!("{}={}", name.to_str(), bellwether_template::print_text(value))
        });
        Some(parts.collect::<Vec<_>>().join(", "))
    }
}

impl Object for Span {
    fn type_name(&self) -> &'static str {
        "main.Span"
    }

    fn body(&self) -> Body<'_> {
        Body::Like(Value::Int(self.0))
    }

    fn methods(&self) -> &'static [Function] {
        const METHODS: &[Function] = &[function("Seconds", &[], |call| {
            Ok(Value::Float(call.receiver::<Span>().0 as f64 / 1000.0))
        })];
        METHODS
    }

    fn text(&self) -> Option<String> {
        Some(format!("{}ms", self.0))
    }
}

impl Object for Instant {
    fn type_name(&self) -> &'static str {
        "main.Instant"
    }

    fn body(&self) -> Body<'_> {
        Body::Opaque
    }

    fn methods(&self) -> &'static [Function] {
        const METHODS: &[Function] = &[
            function("Unix", &[], |call| Ok(Value::Int(call.receiver::<Instant>().0))),
            function("Later", &[Type::Int], |call| {
                Ok(Value::object(Instant(call.receiver::<Instant>().0 + call.int(0))))
            }),
            function("Before", &[Type::Object("main.Instant")], |call| {
                let other: &Instant = call.object(0).expect("the type was checked");
                Ok(Value::Bool(call.receiver::<Instant>().0 < other.0))
            }),
            function("Fail", &[], |_| Err("no such instant".to_owned())),
        ];
        METHODS
    }

    fn text(&self) -> Option<String> {
        Some(format!("T{}", self.0))
    }

    fn equals(&self, other: &dyn Object) -> Option<bool> {
        other.downcast::<Instant>().map(|other| self.0 == other.0)
    }
}

impl Object for Event {
    fn type_name(&self) -> &'static str {
        "main.Event"
    }

    fn body(&self) -> Body<'_> {
        Body::Fields(&self.0)
    }
}

impl Object for Events {
    fn type_name(&self) -> &'static str {
        "main.Events"
    }

    fn body(&self) -> Body<'_> {
        Body::Like(Value::List(self.0.clone()))
    }

    fn methods(&self) -> &'static [Function] {
        const METHODS: &[Function] = &[function("Firing", &[], |call| {
            let is_firing = |event: &&Value| match event {
                Value::Object(event) => {
                    let event: &Event = event.downcast().expect("a list of events");
                    bellwether_template::print_text(&event.0[0].1) == "firing"
                }
                _ => false,
            };
            let events = call.receiver::<Events>().0.items.iter().filter(is_firing);
            let list = List::new(Type::Object("main.Event"), events.cloned().collect());
            Ok(Value::List(Arc::new(list)))
        })];
        METHODS
    }
}

impl Object for Page {
    fn type_name(&self) -> &'static str {
        "*main.Page"
    }

    fn body(&self) -> Body<'_> {
        Body::Fields(&self.0)
    }
}

type FunctionBody = fn(&Call<'_>) -> Result<Value, String>;

const fn function(name: &'static str, parameters: &'static [Type], body: FunctionBody) -> Function {
    Function { name, parameters, rest: None, body }
}

const fn variadic(
    name: &'static str,
    parameters: &'static [Type],
    rest: Type,
    body: FunctionBody,
) -> Function {
    Function { name, parameters, rest: Some(rest), body }
}

static DOUBLE: Function = function("double", &[Type::Int], |call| Ok(Value::Int(2 * call.int(0))));

pub static FUNCTIONS: &[Function] = &[
    function("toUpper", &[Type::Text], |call| Ok(Value::from(call.text(0).to_uppercase()))),
    function("toLower", &[Type::Text], |call| Ok(Value::from(call.text(0).to_lowercase()))),
    function("join", &[Type::Text, Type::List(&Type::Text)], |call| {
        Ok(Value::from(joined(&call.items(1), &call.text(0))))
    }),
    variadic("words", &[], Type::Text, |call| {
        let items = call.arguments().to_vec();
        Ok(Value::List(Arc::new(List::new(Type::Text, items))))
    }),
    variadic("list", &[], Type::Any, |call| Ok(Value::list(call.arguments().to_vec()))),
    variadic("append", &[Type::List(&Type::Any)], Type::Any, |call| {
        let more = call.arguments().iter().skip(1).cloned();
        Ok(Value::list(call.items(0).into_iter().chain(more).collect()))
    }),
    variadic("dict", &[], Type::Any, dict),
    function("fail", &[Type::Text], |call| Err(call.text(0).into_owned())),
    function("add", &[Type::Int, Type::Int], |call| Ok(Value::Int(call.int(0) + call.int(1)))),
    function("half", &[Type::Float], |call| Ok(Value::Float(call.float(0) / 2.0))),
    function("flag", &[Type::Bool], |call| {
        Ok(Value::from(format!("flag:{}", call.argument(0).is_true())))
    }),
    function("unsigned", &[Type::Uint], |call| Ok(call.argument(0).clone())),
    function("unix", &[Type::Object("main.Instant")], |call| {
        let instant: &Instant = call.object(0).expect("the type was checked");
        Ok(Value::Int(instant.0))
    }),
    function("doubler", &[], |_| Ok(Value::Function(&DOUBLE))),
    function("nothing", &[], |_| Ok(Value::Nil)),
    function("toJson", &[Type::Any], |call| to_json(call.argument(0)).map(Value::from)),
    function("safeHtml", &[Type::Text], |call| Ok(trusted(call, Trust::Html))),
    function("safeUrl", &[Type::Text], |call| Ok(trusted(call, Trust::Url))),
    function("safeJs", &[Type::Text], |call| Ok(trusted(call, Trust::Js))),
    function("safeJsStr", &[Type::Text], |call| Ok(trusted(call, Trust::JsString))),
    function("safeCss", &[Type::Text], |call| Ok(trusted(call, Trust::Css))),
    function("safeAttr", &[Type::Text], |call| Ok(trusted(call, Trust::HtmlAttribute))),
    function("safeSrcset", &[Type::Text], |call| Ok(trusted(call, Trust::Srcset))),
];

fn trusted(call: &Call<'_>, trust: Trust) -> Value {
    Value::Trusted(trust, call.text(0).into_owned().into())
}

fn joined(items: &[Value], separator: &str) -> String {
    let texts: Vec<String> = items.iter().map(bellwether_template::print_text).collect();
    texts.join(separator)
}

fn dict(call: &Call<'_>) -> Result<Value, String> {
    let pairs = call.arguments().chunks(2).map(|pair| match pair {
        [Value::Text(key), value] => Ok((key.clone(), value.clone())),
        [_, _] => Err("dict keys must be strings".to_owned()),
        _ => Err("dict requires an even number of arguments".to_owned()),
    });
    if call.arguments().len() % 2 != 0 {
        return Err("dict requires an even number of arguments".to_owned());
    }
    Ok(Value::map(pairs.collect::<Result<Vec<_>, _>>()?))
}
