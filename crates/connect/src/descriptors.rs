//! What gRPC reflection shows: the files that describe the services and their messages.
//!
//! In: the name of a file or of anything in one. Out: the file, encoded, and what it imports.
//!
//! Compat: the files of `status.v3alpha`, of `Timestamp` and of gRPC health are byte for byte those that
//! the Go program shows; those of reflection are without the comments that it adds. It also shows the
//! files of everything else that is built into it; this server does not.

mod build;
mod files;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use prost::Message as _;
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};

/// A file, encoded.
pub(crate) struct File {
    pub name: String,
    pub encoded: Vec<u8>,
    imports: Vec<String>,
}

/// All files.
pub(crate) struct Descriptors {
    files: Vec<File>,
    /// Full names and the index of the file that they are in.
    symbols: BTreeMap<String, usize>,
}

impl Descriptors {
    pub fn all() -> &'static Descriptors {
        static ALL: LazyLock<Descriptors> = LazyLock::new(|| Descriptors::new(files::all()));
        &ALL
    }

    fn new(files: Vec<FileDescriptorProto>) -> Self {
        let mut symbols = BTreeMap::new();
        let mut encoded = Vec::new();
        for (index, file) in files.into_iter().enumerate() {
            let mut names = Names::default();
            names.file(&file);
            symbols.extend(names.0.into_iter().map(|name| (name, index)));
            encoded.push(File {
                name: file.name().to_owned(),
                encoded: file.encode_to_vec(),
                imports: file.dependency,
            });
        }
        Descriptors { files: encoded, symbols }
    }

    pub fn file(&self, name: &str) -> Option<&File> {
        self.files.iter().find(|file| file.name == name)
    }

    /// The file in which this message, field, enumeration, value, service or procedure is.
    pub fn file_with_symbol(&self, name: &str) -> Option<&File> {
        self.files.get(*self.symbols.get(name)?)
    }

    pub fn has_symbol(&self, name: &str) -> bool {
        self.symbols.contains_key(name)
    }

    /// The files that a file imports, directly or not, each once, nearer ones first.
    pub fn imports(&self, file: &File) -> Vec<&File> {
        let mut found: Vec<&File> = Vec::new();
        let mut open: Vec<&str> = file.imports.iter().map(String::as_str).collect();
        while !open.is_empty() {
            let mut next = Vec::new();
            for import in open.iter().filter_map(|name| self.file(name)) {
                if !found.iter().any(|known| known.name == import.name) {
                    found.push(import);
                    next.extend(import.imports.iter().map(String::as_str));
                }
            }
            open = next;
        }
        found
    }
}

/// The full names of everything in a file.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn file(&mut self, file: &FileDescriptorProto) {
        let package = file.package();
        for message in &file.message_type {
            self.message(package, message);
        }
        for service in &file.service {
            let name = format!("{package}.{}", service.name());
            self.0.extend(service.method.iter().map(|it| format!("{name}.{}", it.name())));
            self.0.push(name);
        }
    }

    fn message(&mut self, scope: &str, message: &DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        self.0.extend(message.field.iter().map(|field| format!("{name}.{}", field.name())));
        self.0.extend(message.oneof_decl.iter().map(|oneof| format!("{name}.{}", oneof.name())));
        for inner in &message.nested_type {
            self.message(&name, inner);
        }
        for inner in &message.enum_type {
            self.enumeration(&name, inner);
        }
        self.0.push(name);
    }

    /// Its values are beside it, not in it.
    fn enumeration(&mut self, scope: &str, enumeration: &EnumDescriptorProto) {
        self.0.push(format!("{scope}.{}", enumeration.name()));
        self.0.extend(enumeration.value.iter().map(|value| format!("{scope}.{}", value.name())));
    }
}
