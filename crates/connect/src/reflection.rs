//! `grpc.reflection`: which services there are, and the files that describe them.

use crate::descriptors::{Descriptors, File};
use crate::error::{Code, RpcError};
use crate::messages::{
    Answer, ExtensionNumbers, FileDescriptors, Question, ReflectionError, ReflectionRequest,
    ReflectionResponse, ServiceName, Services,
};

/// One stream of questions.
#[derive(Default)]
pub(crate) struct Reflection {
    /// The names of files that the client has.
    sent: Vec<String>,
}

impl Reflection {
    pub fn answer(&mut self, request: ReflectionRequest) -> Result<ReflectionResponse, RpcError> {
        let descriptors = Descriptors::all();
        let answer = match &request.question {
            None => {
                let message = "invalid MessageRequest: <nil>";
                return Err(RpcError::new(Code::InvalidArgument, message));
            }
            Some(Question::FileByName(name)) => self.files(descriptors.file(name)),
            Some(Question::FileWithSymbol(name)) => self.files(descriptors.file_with_symbol(name)),
            Some(Question::FileWithExtension(_)) => not_found(),
            Some(Question::ExtensionNumbers(name)) if descriptors.has_symbol(name) => {
                let base_type_name = name.clone();
                Answer::ExtensionNumbers(ExtensionNumbers { base_type_name, numbers: Vec::new() })
            }
            Some(Question::ExtensionNumbers(_)) => not_found(),
            Some(Question::Services(_)) => {
                let name = "status.v3alpha.StatusService".into();
                Answer::Services(Services { services: vec![ServiceName { name }] })
            }
        };
        Ok(ReflectionResponse {
            valid_host: request.host.clone(),
            original_request: Some(request),
            answer: Some(answer),
        })
    }

    /// The file, and those that it imports and that the client does not have.
    fn files(&mut self, file: Option<&File>) -> Answer {
        let Some(file) = file else { return not_found() };
        let imports = Descriptors::all().imports(file);
        let mut files = vec![file.encoded.clone()];
        self.note(file);
        for import in imports {
            if self.note(import) {
                files.push(import.encoded.clone());
            }
        }
        Answer::Files(FileDescriptors { files })
    }

    /// Says whether it is new to the client.
    fn note(&mut self, file: &File) -> bool {
        let is_new = !self.sent.contains(&file.name);
        if is_new {
            self.sent.push(file.name.clone());
        }
        is_new
    }
}

fn not_found() -> Answer {
    let code = i32::from(Code::NotFound.number());
    Answer::Error(ReflectionError { code, message: "proto: not found".into() })
}
