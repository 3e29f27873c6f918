//! Messages of `grpc.reflection.v1.ServerReflection`, which are also those of `v1alpha`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Request, Response};
use crate::json::{Field, Members, ReadJson, Value, push_string};

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ReflectionRequest {
    #[prost(string, tag = "1")]
    pub host: String,
    #[prost(oneof = "Question", tags = "3, 4, 5, 6, 7")]
    pub question: Option<Question>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Question {
    #[prost(string, tag = "3")]
    FileByName(String),
    #[prost(string, tag = "4")]
    FileWithSymbol(String),
    #[prost(message, tag = "5")]
    FileWithExtension(ExtensionRequest),
    #[prost(string, tag = "6")]
    ExtensionNumbers(String),
    #[prost(string, tag = "7")]
    Services(String),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ExtensionRequest {
    #[prost(string, tag = "1")]
    pub containing_type: String,
    #[prost(int32, tag = "2")]
    pub extension_number: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ReflectionResponse {
    #[prost(string, tag = "1")]
    pub valid_host: String,
    #[prost(message, optional, tag = "2")]
    pub original_request: Option<ReflectionRequest>,
    #[prost(oneof = "Answer", tags = "4, 5, 6, 7")]
    pub answer: Option<Answer>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Answer {
    #[prost(message, tag = "4")]
    Files(FileDescriptors),
    #[prost(message, tag = "5")]
    ExtensionNumbers(ExtensionNumbers),
    #[prost(message, tag = "6")]
    Services(Services),
    #[prost(message, tag = "7")]
    Error(ReflectionError),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct FileDescriptors {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub files: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ExtensionNumbers {
    #[prost(string, tag = "1")]
    pub base_type_name: String,
    #[prost(int32, repeated, tag = "2")]
    pub numbers: Vec<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Services {
    #[prost(message, repeated, tag = "1")]
    pub services: Vec<ServiceName>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ServiceName {
    #[prost(string, tag = "1")]
    pub name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ReflectionError {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
}

impl Request for ReflectionRequest {
    const GO_NAME: &'static str = "*reflectionv1.ServerReflectionRequest";
}

impl ReadJson for ReflectionRequest {
    const FIELDS: &'static [Field] = &[
        Field { json: "host", text: "host", oneof: None },
        question("fileByFilename", "file_by_filename"),
        question("fileContainingSymbol", "file_containing_symbol"),
        question("fileContainingExtension", "file_containing_extension"),
        question("allExtensionNumbersOfType", "all_extension_numbers_of_type"),
        question("listServices", "list_services"),
    ];

    fn read_field(&mut self, index: usize, value: Value<'_, '_>) -> Result<(), String> {
        self.question = Some(match index {
            0 => {
                self.host = value.string()?;
                return Ok(());
            }
            1 => Question::FileByName(value.string()?),
            2 => Question::FileWithSymbol(value.string()?),
            3 => Question::FileWithExtension(value.message()?),
            4 => Question::ExtensionNumbers(value.string()?),
            _ => Question::Services(value.string()?),
        });
        Ok(())
    }
}

impl ReadJson for ExtensionRequest {
    const FIELDS: &'static [Field] = &[
        Field { json: "containingType", text: "containing_type", oneof: None },
        Field { json: "extensionNumber", text: "extension_number", oneof: None },
    ];

    fn read_field(&mut self, index: usize, value: Value<'_, '_>) -> Result<(), String> {
        match index {
            0 => self.containing_type = value.string()?,
            _ => self.extension_number = value.int32()?,
        }
        Ok(())
    }
}

impl Response for ReflectionResponse {
    fn write_json(&self, out: &mut String) {
        let ReflectionResponse { valid_host, original_request, answer } = self;
        let mut members = Members::begin(out);
        members.non_empty("validHost", valid_host);
        if let Some(request) = original_request {
            request.push(members.value("originalRequest"));
        }
        match answer {
            None => {}
            Some(Answer::Files(FileDescriptors { files })) => {
                let mut inner = Members::begin(members.value("fileDescriptorResponse"));
                inner.list("fileDescriptorProto", files, |out, file| {
                    push_string(out, &STANDARD.encode(file));
                });
                inner.end();
            }
            Some(Answer::ExtensionNumbers(ExtensionNumbers { base_type_name, numbers })) => {
                let mut inner = Members::begin(members.value("allExtensionNumbersResponse"));
                inner.non_empty("baseTypeName", base_type_name);
                inner.list("extensionNumber", numbers, |out, number| {
                    out.push_str(&number.to_string());
                });
                inner.end();
            }
            Some(Answer::Services(Services { services })) => {
                let mut inner = Members::begin(members.value("listServicesResponse"));
                inner.list("service", services, |out, service| {
                    let mut name = Members::begin(out);
                    name.non_empty("name", &service.name);
                    name.end();
                });
                inner.end();
            }
            Some(Answer::Error(ReflectionError { code, message })) => {
                let mut inner = Members::begin(members.value("errorResponse"));
                inner.non_zero("errorCode", *code);
                inner.non_empty("errorMessage", message);
                inner.end();
            }
        }
        members.end();
    }
}

impl ReflectionRequest {
    fn push(&self, out: &mut String) {
        let mut members = Members::begin(out);
        members.non_empty("host", &self.host);
        match &self.question {
            None => {}
            Some(Question::FileByName(text)) => members.string("fileByFilename", text),
            Some(Question::FileWithSymbol(text)) => members.string("fileContainingSymbol", text),
            Some(Question::FileWithExtension(extension)) => {
                let mut inner = Members::begin(members.value("fileContainingExtension"));
                inner.non_empty("containingType", &extension.containing_type);
                inner.non_zero("extensionNumber", extension.extension_number);
                inner.end();
            }
            Some(Question::ExtensionNumbers(text)) => {
                members.string("allExtensionNumbersOfType", text);
            }
            Some(Question::Services(text)) => members.string("listServices", text),
        }
        members.end();
    }
}

const fn question(json: &'static str, text: &'static str) -> Field {
    Field { json, text, oneof: Some(ONEOF) }
}

const ONEOF: &str = "connectext.grpc.reflection.v1.ServerReflectionRequest.message_request";
