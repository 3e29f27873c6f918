//! How does the host show its own types to templates?
//!
//! A Go template sees fields, methods, and what a named type is underneath: a struct, a map with
//! methods, a number with a `String` method. [`Object`] offers these. Names are the ones that
//! people write in templates, so they follow Go.

use std::any::Any;

use crate::function::Function;
use crate::value::Value;

/// A value of a type of the host.
pub trait Object: Any + Send + Sync {
    /// The type as Go names it, e.g. `template.KV`. A leading `*` makes it a pointer: it prints
    /// with `&` where Go does so.
    fn type_name(&self) -> &'static str;

    /// What it is when its methods are left aside.
    fn body(&self) -> Body<'_>;

    /// Its methods; they win over fields and keys of the same name.
    fn methods(&self) -> &'static [Function] {
        &[]
    }

    /// What Go's `String` or `Error` method says, if the type has one: it is used to print it.
    fn text(&self) -> Option<String> {
        None
    }

    /// What Go's `MarshalJSON` method says, if the type has one.
    fn json(&self) -> Option<String> {
        None
    }

    /// The name of a field in JSON.
    fn json_name(&self, field: &'static str) -> &'static str {
        field
    }

    /// Go's `==`, asked only of a value with the same type name; `None` if Go cannot compare them.
    fn equals(&self, other: &dyn Object) -> Option<bool> {
        let _ = other;
        None
    }
}

/// What an object is underneath.
pub enum Body<'a> {
    /// A struct: its exported fields in the order of their declaration.
    Fields(&'a [(&'static str, Value)]),
    /// A list, map, number or text with a name.
    Like(Value),
    /// A struct without anything exported, such as a time.
    Opaque,
}

impl dyn Object {
    /// The object as the host's own type.
    pub fn downcast<T: Object>(&self) -> Option<&T> {
        let any: &dyn Any = self;
        any.downcast_ref()
    }
}
