//! The functions that templates have beyond those of the language: `toUpper`, `join`, `date`, …
//!
//! Their names, argument orders and errors are a contract. None reads a clock: `now` and `since`
//! take the notification's one instant from the host, so that all texts of a message agree.

use bellwether_model::regex::Pattern;
use bellwether_template::{Call, Function, List, Trust, Type, Value, to_json};

use super::value::{Host, joined, method};

pub(super) static FUNCTIONS: &[Function] = &[
    method("toUpper", &[Type::Text], |call| Ok(Value::from(call.text(0).to_uppercase()))),
    method("toLower", &[Type::Text], |call| Ok(Value::from(call.text(0).to_lowercase()))),
    method("trimSpace", &[Type::Text], |call| Ok(Value::from(call.text(0).trim()))),
    method("join", &[Type::Text, Type::List(&Type::Text)], |call| {
        Ok(Value::from(joined(&call.items(1), &call.text(0))))
    }),
    method("match", &[Type::Text, Type::Text], |call| {
        let pattern = Pattern::unanchored(&call.text(0)).map_err(|error| error.to_string())?;
        Ok(Value::Bool(pattern.is_match(&call.text(1))))
    }),
    method("safeHtml", &[Type::Text], |call| Ok(trusted(call, Trust::Html))),
    method("safeUrl", &[Type::Text], |call| Ok(trusted(call, Trust::Url))),
    method("routeLabels", &[Type::Text], |call| {
        let host: &Host = call.host().expect("renders of this crate have this host");
        host.route_labels.value(&call.text(0)).map(Value::from)
    }),
    method("toJson", &[Type::Any], |call| to_json(call.argument(0)).map(Value::from)),
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
