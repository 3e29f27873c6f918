//! Functions and methods of the host.
//!
//! A [`Function`] is a name, the types of its parameters, and a plain function. The renderer
//! checks number and types of the arguments before it calls, with Go's error messages, so the
//! body only takes what it needs from the [`Call`].
//!
//! What a function needs beyond its arguments (the current time, the labels of a route) is the
//! host of the render: one value of the caller's own type, handed through unseen.

use std::any::Any;
use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;

use super::collection::{List, Map};
use super::text::Text;
use super::types::Type;
use super::{Body, Object, Value};

/// A function, or a method of an [`Object`].
pub struct Function {
    /// As templates call it.
    pub name: &'static str,
    pub parameters: &'static [Type],
    /// The type of all further arguments, if it takes any number of them.
    pub rest: Option<Type>,
    /// An error is shown as `error calling NAME: …`.
    pub body: fn(&Call<'_>) -> Result<Value, String>,
}

/// One call of a function: its arguments, whose types have been checked.
pub struct Call<'a> {
    pub(crate) receiver: Option<&'a dyn Object>,
    pub(crate) arguments: &'a [Value],
    pub(crate) host: &'a dyn Any,
    /// Limit: bytes of a text that a function may build.
    pub(crate) text_bytes_max: usize,
    /// Set by a function that gave up because its text grew beyond the limit.
    pub(crate) too_long: Cell<bool>,
    /// Steps that the call costs beyond those of its result.
    pub(crate) steps: Cell<u64>,
}

// === impl Function ===

impl Function {
    /// One with a fixed number of parameters.
    pub const fn new(
        name: &'static str,
        parameters: &'static [Type],
        body: fn(&Call<'_>) -> Result<Value, String>,
    ) -> Self {
        Function { name, parameters, rest: None, body }
    }

    /// The type as Go might write it; results are not known, so they are left out.
    pub(crate) fn type_name(&self) -> String {
        let mut name = "func(".to_owned();
        for (position, parameter) in self.parameters.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            name.push_str(&format!("{comma}{parameter}"));
        }
        if let Some(rest) = self.rest {
            let comma = if self.parameters.is_empty() { "" } else { ", " };
            name.push_str(&format!("{comma}...{rest}"));
        }
        name.push(')');
        name
    }
}

// === impl Type ===

impl Type {
    /// What a variable of this type is before it is set; what a missing key gives.
    pub(crate) fn zero(self) -> Value {
        match self {
            Self::Any | Self::Reflected | Self::Object(_) => Value::Nil,
            Self::Bool => Value::Bool(false),
            Self::Int => Value::Int(0),
            Self::Uint => Value::Uint(0),
            Self::Float => Value::Float(0.0),
            Self::Text => Value::Text(Text::default()),
            Self::Trusted(trust) => Value::Trusted(trust, Text::default()),
            Self::List(of) => Value::List(Arc::new(List::new(*of, Vec::new()))),
            Self::Map(of) => Value::Map(Arc::new(Map::new::<Text>(*of, std::iter::empty()))),
        }
    }

    /// Whether Go would assign the value to a variable of this type.
    pub(crate) fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any | Self::Reflected, _)
            | (Self::Bool, Value::Bool(_))
            | (Self::Int, Value::Int(_))
            | (Self::Uint, Value::Uint(_))
            | (Self::Float, Value::Float(_))
            | (Self::Text, Value::Text(_)) => true,
            (Self::Trusted(wanted), Value::Trusted(trust, _)) => wanted == *trust,
            (Self::List(of), Value::List(list)) => list.of == *of,
            (Self::Map(of), Value::Map(map)) => map.of == *of,
            // A pointer is followed where the value behind it is wanted.
            (Self::Object(name), Value::Object(object)) => {
                let given = object.type_name();
                given == name || given.strip_prefix('*') == Some(name)
            }
            // A named list is a list, and the same for maps; named numbers and texts are not.
            (Self::List(_) | Self::Map(_), Value::Object(object)) => match object.body() {
                Body::Like(beneath) => self.takes(&beneath),
                Body::Fields(_) | Body::Opaque => false,
            },
            (
                Self::Bool
                | Self::Int
                | Self::Uint
                | Self::Float
                | Self::Text
                | Self::Trusted(_)
                | Self::List(_)
                | Self::Map(_)
                | Self::Object(_),
                _,
            ) => false,
        }
    }
}

// === impl Call ===

impl<'a> Call<'a> {
    /// The object whose method this is.
    ///
    /// Panics if it is of another type: a method stands in the table of its own type.
    pub fn receiver<T: Object>(&self) -> &'a T {
        let receiver = self.receiver.expect("a method is called on an object");
        receiver.downcast().expect("a method is called on an object of its own type")
    }

    /// What the caller gave to `render`, if it is of this type.
    pub fn host<T: Any>(&self) -> Option<&'a T> {
        self.host.downcast_ref()
    }

    /// Says that this call takes as long as so many steps; one step takes about 0.1 µs.
    pub fn costs(&self, steps: u64) {
        self.steps.set(self.steps.get().saturating_add(steps));
    }

    /// All arguments.
    pub fn arguments(&self) -> &'a [Value] {
        self.arguments
    }

    /// The argument at a position; no value if there are fewer.
    pub fn argument(&self, position: usize) -> &'a Value {
        self.arguments.get(position).unwrap_or(&Value::Nil)
    }

    /// An argument whose parameter is a text; empty if it is none.
    pub fn text(&self, position: usize) -> Cow<'a, str> {
        match self.argument(position) {
            Value::Text(text) | Value::Trusted(_, text) => text.to_str(),
            _ => Cow::Borrowed(""),
        }
    }

    /// An argument whose parameter is an integer; 0 if it is none.
    pub fn int(&self, position: usize) -> i64 {
        match self.argument(position) {
            Value::Int(value) => *value,
            _ => 0,
        }
    }

    /// An argument whose parameter is a float; 0 if it is none.
    pub fn float(&self, position: usize) -> f64 {
        match self.argument(position) {
            Value::Float(value) => *value,
            _ => 0.0,
        }
    }

    /// The items of an argument whose parameter is a list, with a name or without.
    pub fn items(&self, position: usize) -> Vec<Value> {
        self.list(position).map(|list| list.items.clone()).unwrap_or_default()
    }

    /// An argument if it is a list, with a name or without.
    pub fn list(&self, position: usize) -> Option<Arc<List>> {
        match &*self.argument(position).beneath() {
            Value::List(list) => Some(Arc::clone(list)),
            _ => None,
        }
    }

    /// An argument whose parameter is an object, if it is of this type of the host.
    pub fn object<T: Object>(&self, position: usize) -> Option<&'a T> {
        match self.argument(position) {
            Value::Object(object) => object.downcast(),
            _ => None,
        }
    }
}
