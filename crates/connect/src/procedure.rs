//! The procedures that there are.

use http::Method;

/// A procedure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Procedure {
    GetStatus,
    CheckHealth,
    WatchHealth,
    Reflect,
    /// The same messages under an older name.
    ReflectAlpha,
}

/// How many messages go each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One, and one back.
    Unary,
    /// One, and many back.
    ServerStream,
    /// Many, and many back, at the same time.
    Bidirectional,
}

impl Procedure {
    pub const ALL: [Procedure; 5] = [
        Procedure::GetStatus,
        Procedure::CheckHealth,
        Procedure::WatchHealth,
        Procedure::Reflect,
        Procedure::ReflectAlpha,
    ];

    /// The procedure at a path below the place where all are mounted.
    pub fn at(path: &str) -> Option<Procedure> {
        Procedure::ALL.into_iter().find(|procedure| procedure.path() == path)
    }

    pub fn path(self) -> &'static str {
        match self {
            Procedure::GetStatus => "/status.v3alpha.StatusService/GetStatus",
            Procedure::CheckHealth => "/grpc.health.v1.Health/Check",
            Procedure::WatchHealth => "/grpc.health.v1.Health/Watch",
            Procedure::Reflect => "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            Procedure::ReflectAlpha => {
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
            }
        }
    }

    /// The name of the service with its package, and that of the procedure.
    pub fn names(self) -> (&'static str, &'static str) {
        self.path().trim_start_matches('/').split_once('/').expect("each path has two parts")
    }

    /// Whether one message is answered by one message.
    pub fn is_unary(self) -> bool {
        self.kind() == Kind::Unary
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            Procedure::GetStatus | Procedure::CheckHealth => Kind::Unary,
            Procedure::WatchHealth => Kind::ServerStream,
            Procedure::Reflect | Procedure::ReflectAlpha => Kind::Bidirectional,
        }
    }

    /// The header `Allow`.
    pub(crate) fn allowed(self) -> &'static str {
        match self {
            Procedure::GetStatus => "GET, POST",
            Procedure::CheckHealth
            | Procedure::WatchHealth
            | Procedure::Reflect
            | Procedure::ReflectAlpha => "POST",
        }
    }

    pub(crate) fn allows(self, method: &Method) -> bool {
        self.allowed().split(", ").any(|allowed| method.as_str() == allowed)
    }
}
