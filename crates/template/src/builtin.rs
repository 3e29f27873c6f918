//! The functions that every template has.

mod compare;
mod index;
mod text;

use crate::parse::tree::Form;
use crate::value::{Call, Function, Type, Value};

pub use self::text::join as join_printed;
pub(crate) use self::text::{html_reference, url_query, write_html};

/// All of them, and how the renderer treats them.
pub(crate) static BUILTINS: [(Function, Form); 19] = [
    (function("and", &[Type::Reflected], ANY_MORE, never), Form::And),
    (function("or", &[Type::Reflected], ANY_MORE, never), Form::Or),
    (function("call", &[Type::Reflected], ANY_MORE, never), Form::Call),
    (function("html", &[], Some(Type::Any), text::html), Form::Html),
    (function("urlquery", &[], Some(Type::Any), text::urlquery), Form::UrlQuery),
    (function("js", &[], Some(Type::Any), text::js), Form::Plain),
    (function("not", &[Type::Reflected], None, not), Form::Plain),
    (function("len", &[Type::Reflected], None, index::len), Form::Plain),
    (function("index", &[Type::Reflected], ANY_MORE, index::index), Form::Plain),
    (function("slice", &[Type::Reflected], ANY_MORE, index::slice), Form::Plain),
    (function("print", &[], Some(Type::Any), text::print), Form::Plain),
    (function("printf", &[Type::Text], Some(Type::Any), text::printf), Form::Plain),
    (function("println", &[], Some(Type::Any), text::println), Form::Plain),
    (function("eq", &[Type::Reflected], ANY_MORE, compare::eq), Form::Plain),
    (function("ne", TWO, None, compare::ne), Form::Plain),
    (function("lt", TWO, None, compare::lt), Form::Plain),
    (function("le", TWO, None, compare::le), Form::Plain),
    (function("gt", TWO, None, compare::gt), Form::Plain),
    (function("ge", TWO, None, compare::ge), Form::Plain),
];

/// What `html x y` becomes where the HTML escaper moves the escaping itself to the end.
pub(crate) static JOIN: Function = function("_eval_args_", &[], Some(Type::Any), text::print);

type Body = fn(&Call<'_>) -> Result<Value, String>;

const TWO: &[Type] = &[Type::Reflected, Type::Reflected];
const ANY_MORE: Option<Type> = Some(Type::Reflected);

const fn function(
    name: &'static str,
    parameters: &'static [Type],
    rest: Option<Type>,
    body: Body,
) -> Function {
    Function { name, parameters, rest, body }
}

/// The body of what the renderer does by itself.
fn never(_: &Call<'_>) -> Result<Value, String> {
    Ok(Value::Nil)
}

fn not(call: &Call<'_>) -> Result<Value, String> {
    Ok(Value::Bool(!call.argument(0).is_true()))
}
