//! The functions that templates have beyond those of the language: `toUpper`, `join`, `date`, …
//!
//! Their names, argument orders and errors are a contract. None reads a clock: `now` and `since`
//! take the notification's one instant from the host, so that all texts of a message agree.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bellwether_model::Timestamp;
use bellwether_model::duration::parse_go;
use bellwether_model::regex::{Pattern, Replacer};
use bellwether_template::{Call, Function, List, Trust, Type, Value, join_printed, to_json};

use super::text::{self, bytes};
use super::time::Moment;
use super::value::Host;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("toUpper", &[Type::Text], |call| Ok(Value::from(text::upper(&call.text(0))))),
    Function::new("toLower", &[Type::Text], |call| Ok(Value::from(text::lower(&call.text(0))))),
    Function::new("title", &[Type::Text], |call| Ok(Value::from(text::title(&call.text(0))))),
    Function::new("trimSpace", &[Type::Text], |call| Ok(Value::from(call.text(0).trim()))),
    Function::new("join", &[Type::Text, Type::Any], join),
    Function::new("match", &[Type::Text, Type::Text], is_match),
    Function::new("reReplaceAll", &[Type::Text, Type::Text, Type::Text], replace_all),
    Function::new("urlUnescape", &[Type::Text], |call| {
        text::url_unescaped(call.argument(0)).map(Value::text)
    }),
    Function::new("base64encode", &[Type::Text], |call| {
        Ok(Value::from(URL_SAFE.encode(bytes(call.argument(0)))))
    }),
    Function::new("base64decode", &[Type::Text], |call| text::base64_decoded(&call.text(0))),
    Function::new("now", &[], |call| Ok(Value::object(Moment::new(host(call).now)))),
    Function::new("since", &[TIME], |call| {
        Ok(Value::object(Moment::new(host(call).now).since(moment(call, 0))))
    }),
    Function::new("date", &[Type::Text, TIME], |call| {
        Ok(Value::from(moment(call, 1).format(&call.text(0))))
    }),
    Function::new("tz", &[Type::Text, TIME], |call| {
        moment(call, 1).at_place(&call.text(0)).map(Value::object)
    }),
    Function::new("toDate", &[Type::Text, Type::Text], |call| {
        let parsed = Moment::parse(&call.text(0), &call.text(1));
        Ok(Value::object(parsed.unwrap_or_else(|_| Moment::new(Timestamp::ZERO))))
    }),
    Function::new("mustToDate", &[Type::Text, Type::Text], |call| {
        Moment::parse(&call.text(0), &call.text(1)).map(Value::object)
    }),
    Function::new("addDuration", &[Type::Text, TIME], |call| {
        let nanos = parse_go(&call.text(0)).map_err(|error| error.to_string())?;
        Ok(Value::Int(moment(call, 1).plus(nanos).unix_millis()))
    }),
    Function::new("humanizeDuration", &[Type::Any], |call| {
        text::humanized(call.argument(0)).map(Value::from)
    }),
    Function::new("safeHtml", &[Type::Text], |call| Ok(trusted(call, Trust::Html))),
    Function::new("safeUrl", &[Type::Text], |call| Ok(trusted(call, Trust::Url))),
    Function::new("routeLabels", &[Type::Text], |call| {
        host(call).route_labels.value(&call.text(0)).map(Value::from)
    }),
    Function::new("toJson", &[Type::Any], |call| to_json(call.argument(0)).map(Value::from)),
    variadic("stringSlice", &[], Type::Text, |call| {
        Ok(Value::List(List::new(Type::Text, call.arguments().to_vec()).into()))
    }),
    variadic("list", &[], Type::Any, |call| Ok(Value::list(call.arguments().to_vec()))),
    variadic("append", &[Type::List(&Type::Any)], Type::Any, |call| {
        let more = call.arguments().iter().skip(1).cloned();
        Ok(Value::list(call.items(0).into_iter().chain(more).collect()))
    }),
    variadic("dict", &[], Type::Any, dict),
];

fn host<'a>(call: &Call<'a>) -> &'a Host {
    call.host().expect("renders of this crate have this host")
}

fn moment<'a>(call: &Call<'a>, position: usize) -> &'a Moment {
    call.object(position).expect("the type was checked")
}

/// Of a list of anything; what is not a list is an error, and nothing is an empty list.
fn join(call: &Call<'_>) -> Result<Value, String> {
    match (call.argument(1), call.list(1)) {
        (_, Some(list)) => join_printed(call, &list.items, &call.text(0)),
        (Value::Nil, None) => Ok(Value::from("")),
        (other, None) => Err(format!("join expects a slice or array, got {}", other.type_name())),
    }
}

fn is_match(call: &Call<'_>) -> Result<Value, String> {
    let pattern = host(call).patterns.of(&call.text(0), |pattern| {
        call.costs(COMPILING_STEPS);
        Pattern::unanchored(pattern).map_err(|error| error.to_string())
    })?;
    Ok(Value::Bool(pattern.is_match(&call.text(1))))
}

/// What compiling a pattern costs; it takes 20 µs and more.
const COMPILING_STEPS: u64 = 200;

fn replace_all(call: &Call<'_>) -> Result<Value, String> {
    let replacer = host(call).replacers.of(&call.text(0), |pattern| {
        call.costs(COMPILING_STEPS);
        Replacer::new(pattern)
            .map_err(|error| format!("regexp: Compile({}): {error}", go_quoted(pattern)))
    })?;
    let replaced = replacer.replace_all(&call.text(2), &call.text(1), REPLACED_BYTES_MAX);
    replaced.map(Value::from).ok_or_else(|| "the replaced text is too long".to_owned())
}

/// Go prefers back quotes where the text has none.
fn go_quoted(text: &str) -> String {
    if text.contains(['`', '\n', '\r']) { format!("{text:?}") } else { format!("`{text}`") }
}

/// Limit: what `reReplaceAll` may make; renders have the same.
const REPLACED_BYTES_MAX: usize = 32 << 20;

const TIME: Type = Type::Object("time.Time");

fn trusted(call: &Call<'_>, trust: Trust) -> Value {
    match call.argument(0) {
        Value::Text(text) | Value::Trusted(_, text) => Value::Trusted(trust, text.clone()),
        _ => Value::Nil,
    }
}

fn dict(call: &Call<'_>) -> Result<Value, String> {
    let arguments = call.arguments();
    if !arguments.len().is_multiple_of(2) {
        return Err("dict requires an even number of arguments".to_owned());
    }
    let entries = arguments.chunks_exact(2).map(|pair| match pair {
        [Value::Text(key), value] => Ok((key.clone(), value.clone())),
        _ => Err("dict keys must be strings".to_owned()),
    });
    Ok(Value::map(entries.collect::<Result<Vec<_>, _>>()?))
}

const fn variadic(
    name: &'static str,
    parameters: &'static [Type],
    rest: Type,
    body: fn(&Call<'_>) -> Result<Value, String>,
) -> Function {
    Function { name, parameters, rest: Some(rest), body }
}
