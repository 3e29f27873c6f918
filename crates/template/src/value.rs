//! What can a template hold in its hands?
//!
//! [`Value`] is Go's `reflect.Value` cut down to what templates can observe: kinds, lengths,
//! elements, and the name of the type in error messages. Everything is cheap to clone: texts,
//! lists and maps are shared.
//!
//! A [`Text`] is a Go string, which is bytes and not necessarily UTF-8: `slice` cuts where it is
//! asked to. What a render returns is made UTF-8 at the very end.
//!
//! Maps have texts as keys; no other key can come out of a template or of JSON. Named types, with
//! methods or fields, are [`Object`]s.

mod collection;
mod function;
mod text;
mod trust;
mod types;

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

pub use self::collection::{List, Map};
pub use self::function::{Call, Function};
pub use self::text::Text;
pub(crate) use self::text::{first_char, to_utf8, to_utf8_char};
pub use self::trust::Trust;
pub use self::types::Type;

/// A value of the template language.
#[derive(Clone, Default)]
pub enum Value {
    /// No value: what a missing key gives, and what `nil` is.
    #[default]
    Nil,
    Bool(bool),
    Int(i64),
    Uint(u64),
    /// An element of a string.
    Byte(u8),
    Float(f64),
    /// A complex number, real and imaginary part. Only constants are.
    Complex(f64, f64),
    Text(Text),
    /// A text that HTML escaping trusts in some contexts.
    Trusted(Trust, Text),
    List(Arc<List>),
    Map(Arc<Map>),
    Object(Arc<dyn Object>),
    Function(&'static Function),
}

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

impl Value {
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into())
    }

    /// A list of any values (`[]interface {}`).
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(List::new(Type::Any, items)))
    }

    /// A list of strings (`[]string`).
    pub fn texts<T: Into<Text>>(texts: impl IntoIterator<Item = T>) -> Self {
        let items = texts.into_iter().map(Self::text).collect();
        Self::List(Arc::new(List::new(Type::Text, items)))
    }

    /// A map from strings to any values (`map[string]interface {}`).
    pub fn map<K: Into<Text>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(Arc::new(Map::new(Type::Any, entries)))
    }

    pub fn object(object: impl Object) -> Self {
        Self::Object(Arc::new(object))
    }

    /// The type as Go writes it, e.g. `map[string]interface {}`; `<nil>` for no value.
    pub fn type_name(&self) -> Cow<'static, str> {
        match self {
            Self::Nil => "<nil>".into(),
            Self::Bool(_) => "bool".into(),
            Self::Int(_) => "int".into(),
            Self::Uint(_) => "uint64".into(),
            Self::Byte(_) => "uint8".into(),
            Self::Float(_) => "float64".into(),
            Self::Complex(..) => "complex128".into(),
            Self::Text(_) => "string".into(),
            Self::Trusted(trust, _) => trust.type_name().into(),
            Self::List(list) => format!("[]{}", list.of).into(),
            Self::Map(map) => format!("map[string]{}", map.of).into(),
            Self::Object(object) => object.type_name().into(),
            Self::Function(function) => function.type_name().into(),
        }
    }

    /// Go's rule of truth: not empty, not zero, not nil.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Uint(value) => *value != 0,
            Self::Byte(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Complex(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
            Self::Text(text) | Self::Trusted(_, text) => !text.is_empty(),
            Self::List(list) => !list.items.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Object(object) => match object.body() {
                Body::Fields(_) | Body::Opaque => true,
                Body::Like(value) => value.is_true(),
            },
            Self::Function(_) => true,
        }
    }

    /// The value beneath a named type; itself if it has no name.
    pub(crate) fn beneath(&self) -> Cow<'_, Self> {
        if let Self::Object(object) = self
            && let Body::Like(value) = object.body()
        {
            return Cow::Owned(value);
        }
        Cow::Borrowed(self)
    }

    /// How deeply lists and maps are nested in this value.
    pub(crate) fn nesting(&self) -> usize {
        match self {
            Self::List(list) => list.nesting(),
            Self::Map(map) => map.nesting(),
            Self::Nil
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Uint(_)
            | Self::Byte(_)
            | Self::Float(_)
            | Self::Complex(..)
            | Self::Text(_)
            | Self::Trusted(..)
            | Self::Object(_)
            | Self::Function(_) => 0,
        }
    }
}

impl dyn Object {
    /// The object as the host's own type.
    pub fn downcast<T: Object>(&self) -> Option<&T> {
        let any: &dyn Any = self;
        any.downcast_ref()
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}
