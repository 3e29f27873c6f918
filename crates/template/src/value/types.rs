//! The types of parameters and elements, as Go names them.

use std::fmt;

use super::trust::Trust;

/// The type of a parameter or an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Anything (`interface {}`).
    Any,
    /// Anything, as Go's own functions take it (`reflect.Value`).
    Reflected,
    Bool,
    Int,
    Uint,
    Float,
    Text,
    Trusted(Trust),
    List(&'static Type),
    Map(&'static Type),
    /// An object with this type name.
    Object(&'static str),
}

impl Type {
    /// Whether `nil` can stand for a value of this type.
    pub(crate) fn takes_nil(self) -> bool {
        match self {
            Self::Any | Self::Reflected | Self::List(_) | Self::Map(_) => true,
            Self::Bool
            | Self::Int
            | Self::Uint
            | Self::Float
            | Self::Text
            | Self::Trusted(_)
            | Self::Object(_) => false,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => formatter.write_str("interface {}"),
            Self::Reflected => formatter.write_str("reflect.Value"),
            Self::Bool => formatter.write_str("bool"),
            Self::Int => formatter.write_str("int"),
            Self::Uint => formatter.write_str("uint64"),
            Self::Float => formatter.write_str("float64"),
            Self::Text => formatter.write_str("string"),
            Self::Trusted(trust) => formatter.write_str(trust.type_name()),
            Self::List(of) => write!(formatter, "[]{of}"),
            Self::Map(of) => write!(formatter, "map[string]{of}"),
            Self::Object(name) => formatter.write_str(name),
        }
    }
}
