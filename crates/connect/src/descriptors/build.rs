//! Short ways to say what a message, field or procedure is.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto,
    MethodDescriptorProto, OneofDescriptorProto, ServiceDescriptorProto,
};

pub(super) fn message(name: &str, fields: Vec<FieldDescriptorProto>) -> DescriptorProto {
    DescriptorProto { name: Some(name.into()), field: fields, ..DescriptorProto::default() }
}

/// A message some of whose fields exclude each other.
pub(super) fn message_with_oneof(
    name: &str,
    oneof: &str,
    fields: Vec<FieldDescriptorProto>,
) -> DescriptorProto {
    let oneof = OneofDescriptorProto { name: Some(oneof.into()), options: None };
    DescriptorProto { oneof_decl: vec![oneof], ..message(name, fields) }
}

pub(super) fn enumeration(name: &str, values: &[&str]) -> EnumDescriptorProto {
    let value = |(number, name): (i32, &&str)| EnumValueDescriptorProto {
        name: Some((*name).into()),
        number: Some(number),
        options: None,
    };
    EnumDescriptorProto {
        name: Some(name.into()),
        value: (0..).zip(values).map(value).collect(),
        ..EnumDescriptorProto::default()
    }
}

pub(super) fn string(name: &str, number: i32) -> FieldDescriptorProto {
    field(name, number, Type::String)
}

pub(super) fn int32(name: &str, number: i32) -> FieldDescriptorProto {
    field(name, number, Type::Int32)
}

pub(super) fn int64(name: &str, number: i32) -> FieldDescriptorProto {
    field(name, number, Type::Int64)
}

pub(super) fn bytes(name: &str, number: i32) -> FieldDescriptorProto {
    field(name, number, Type::Bytes)
}

/// A field with a message of this full name, which begins with a dot.
pub(super) fn of(name: &str, number: i32, type_name: &str) -> FieldDescriptorProto {
    FieldDescriptorProto { type_name: Some(type_name.into()), ..field(name, number, Type::Message) }
}

/// A field with a value of the enumeration of this full name.
pub(super) fn one_of(name: &str, number: i32, type_name: &str) -> FieldDescriptorProto {
    FieldDescriptorProto { type_name: Some(type_name.into()), ..field(name, number, Type::Enum) }
}

pub(super) fn repeated(mut field: FieldDescriptorProto) -> FieldDescriptorProto {
    field.set_label(Label::Repeated);
    field
}

/// A field that excludes the others in the message's oneof.
pub(super) fn exclusive(mut field: FieldDescriptorProto) -> FieldDescriptorProto {
    field.oneof_index = Some(0);
    field
}

pub(super) fn service(name: &str, methods: Vec<MethodDescriptorProto>) -> ServiceDescriptorProto {
    ServiceDescriptorProto { name: Some(name.into()), method: methods, options: None }
}

/// A procedure with these full names of messages.
pub(super) fn method(name: &str, input: &str, output: &str) -> MethodDescriptorProto {
    MethodDescriptorProto {
        name: Some(name.into()),
        input_type: Some(input.into()),
        output_type: Some(output.into()),
        ..MethodDescriptorProto::default()
    }
}

fn field(name: &str, number: i32, kind: Type) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.into()),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(kind.into()),
        json_name: Some(json_name(name)),
        ..FieldDescriptorProto::default()
    }
}

/// In lower camel case.
fn json_name(name: &str) -> String {
    let mut parts = name.split('_');
    let mut json = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut characters = part.chars();
        json.extend(characters.next().map(|first| first.to_ascii_uppercase()));
        json.push_str(characters.as_str());
    }
    json
}
