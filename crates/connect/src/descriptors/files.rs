//! The files.

use prost_types::method_options::IdempotencyLevel;
use prost_types::{
    DescriptorProto, FileDescriptorProto, FileOptions, MessageOptions, MethodDescriptorProto,
    MethodOptions,
};

use super::build::{
    bytes, enumeration, exclusive, int32, int64, message, message_with_oneof, method, of, one_of,
    repeated, service, string,
};

pub(super) fn all() -> Vec<FileDescriptorProto> {
    vec![
        status(),
        timestamp(),
        health(),
        reflection("v1", "google.golang.org/grpc/reflection/grpc_reflection_v1"),
        FileDescriptorProto {
            options: Some(FileOptions {
                deprecated: Some(true),
                ..java(
                    "google.golang.org/grpc/reflection/grpc_reflection_v1alpha",
                    "io.grpc.reflection.v1alpha",
                    "ServerReflectionProto",
                )
            }),
            ..reflection("v1alpha", "")
        },
    ]
}

fn status() -> FileDescriptorProto {
    let cluster = DescriptorProto {
        enum_type: vec![enumeration(
            "State",
            &["STATE_UNSPECIFIED", "STATE_DISABLED", "STATE_SETTLING", "STATE_READY"],
        )],
        ..message(
            "ClusterStatus",
            vec![
                string("name", 1),
                one_of("state", 2, ".status.v3alpha.ClusterStatus.State"),
                repeated(of("peers", 3, ".status.v3alpha.PeerStatus")),
            ],
        )
    };
    let no_side_effects = MethodOptions {
        idempotency_level: Some(IdempotencyLevel::NoSideEffects.into()),
        ..MethodOptions::default()
    };
    let get = MethodDescriptorProto {
        options: Some(no_side_effects),
        ..method(
            "GetStatus",
            ".status.v3alpha.GetStatusRequest",
            ".status.v3alpha.GetStatusResponse",
        )
    };
    let go_package = "github.com/prometheus/alertmanager/api/status/v3alpha;statusv3alpha";
    FileDescriptorProto {
        dependency: vec!["google/protobuf/timestamp.proto".into()],
        message_type: vec![
            message(
                "AlertmanagerStatus",
                vec![
                    of("version_info", 1, ".status.v3alpha.VersionInfo"),
                    of("config", 2, ".status.v3alpha.AlertmanagerConfig"),
                    of("cluster", 3, ".status.v3alpha.ClusterStatus"),
                    of("start_time", 4, ".google.protobuf.Timestamp"),
                ],
            ),
            message(
                "VersionInfo",
                vec![
                    string("version", 1),
                    string("revision", 2),
                    string("branch", 3),
                    string("build_user", 4),
                    string("build_date", 5),
                    string("go_version", 6),
                ],
            ),
            message("AlertmanagerConfig", vec![string("original", 1)]),
            cluster,
            message("PeerStatus", vec![string("name", 1), string("address", 2)]),
            message("GetStatusRequest", vec![]),
            message(
                "GetStatusResponse",
                vec![of("status", 1, ".status.v3alpha.AlertmanagerStatus")],
            ),
        ],
        service: vec![service("StatusService", vec![get])],
        options: Some(FileOptions {
            go_package: Some(go_package.into()),
            ..FileOptions::default()
        }),
        ..file("status/v3alpha/status.proto", "status.v3alpha")
    }
}

fn timestamp() -> FileDescriptorProto {
    FileDescriptorProto {
        message_type: vec![message("Timestamp", vec![int64("seconds", 1), int32("nanos", 2)])],
        options: Some(FileOptions {
            cc_enable_arenas: Some(true),
            objc_class_prefix: Some("GPB".into()),
            csharp_namespace: Some("Google.Protobuf.WellKnownTypes".into()),
            ..java(
                "google.golang.org/protobuf/types/known/timestamppb",
                "com.google.protobuf",
                "TimestampProto",
            )
        }),
        ..file("google/protobuf/timestamp.proto", "google.protobuf")
    }
}

/// Compat: it describes `List`, which this server does not have, as the Go program does.
fn health() -> FileDescriptorProto {
    const REQUEST: &str = ".grpc.health.v1.HealthCheckRequest";
    const RESPONSE: &str = ".grpc.health.v1.HealthCheckResponse";
    let response = DescriptorProto {
        enum_type: vec![enumeration(
            "ServingStatus",
            &["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"],
        )],
        ..message(
            "HealthCheckResponse",
            vec![one_of("status", 1, ".grpc.health.v1.HealthCheckResponse.ServingStatus")],
        )
    };
    let entry = DescriptorProto {
        options: Some(MessageOptions { map_entry: Some(true), ..MessageOptions::default() }),
        ..message("StatusesEntry", vec![string("key", 1), of("value", 2, RESPONSE)])
    };
    let list = DescriptorProto {
        nested_type: vec![entry],
        ..message(
            "HealthListResponse",
            vec![repeated(of("statuses", 1, ".grpc.health.v1.HealthListResponse.StatusesEntry"))],
        )
    };
    let watch = MethodDescriptorProto {
        server_streaming: Some(true),
        ..method("Watch", REQUEST, RESPONSE)
    };
    FileDescriptorProto {
        message_type: vec![
            message("HealthCheckRequest", vec![string("service", 1)]),
            response,
            message("HealthListRequest", vec![]),
            list,
        ],
        service: vec![service(
            "Health",
            vec![
                method("Check", REQUEST, RESPONSE),
                method(
                    "List",
                    ".grpc.health.v1.HealthListRequest",
                    ".grpc.health.v1.HealthListResponse",
                ),
                watch,
            ],
        )],
        options: Some(FileOptions {
            objc_class_prefix: Some("GrpcHealthV1".into()),
            csharp_namespace: Some("Grpc.Health.V1".into()),
            ..java(
                "google.golang.org/grpc/health/grpc_health_v1",
                "io.grpc.health.v1",
                "HealthProto",
            )
        }),
        ..file("grpc/health/v1/health.proto", "grpc.health.v1")
    }
}

fn reflection(version: &str, go_package: &str) -> FileDescriptorProto {
    let package = format!("grpc.reflection.{version}");
    let full = |name: &str| format!(".{package}.{name}");
    let question = vec![
        string("host", 1),
        exclusive(string("file_by_filename", 3)),
        exclusive(string("file_containing_symbol", 4)),
        exclusive(of("file_containing_extension", 5, &full("ExtensionRequest"))),
        exclusive(string("all_extension_numbers_of_type", 6)),
        exclusive(string("list_services", 7)),
    ];
    let answer = vec![
        string("valid_host", 1),
        of("original_request", 2, &full("ServerReflectionRequest")),
        exclusive(of("file_descriptor_response", 4, &full("FileDescriptorResponse"))),
        exclusive(of("all_extension_numbers_response", 5, &full("ExtensionNumberResponse"))),
        exclusive(of("list_services_response", 6, &full("ListServiceResponse"))),
        exclusive(of("error_response", 7, &full("ErrorResponse"))),
    ];
    let info = MethodDescriptorProto {
        client_streaming: Some(true),
        server_streaming: Some(true),
        ..method(
            "ServerReflectionInfo",
            &full("ServerReflectionRequest"),
            &full("ServerReflectionResponse"),
        )
    };
    FileDescriptorProto {
        message_type: vec![
            message_with_oneof("ServerReflectionRequest", "message_request", question),
            message(
                "ExtensionRequest",
                vec![string("containing_type", 1), int32("extension_number", 2)],
            ),
            message_with_oneof("ServerReflectionResponse", "message_response", answer),
            message("FileDescriptorResponse", vec![repeated(bytes("file_descriptor_proto", 1))]),
            message(
                "ExtensionNumberResponse",
                vec![string("base_type_name", 1), repeated(int32("extension_number", 2))],
            ),
            message(
                "ListServiceResponse",
                vec![repeated(of("service", 1, &full("ServiceResponse")))],
            ),
            message("ServiceResponse", vec![string("name", 1)]),
            message("ErrorResponse", vec![int32("error_code", 1), string("error_message", 2)]),
        ],
        service: vec![service("ServerReflection", vec![info])],
        options: Some(java(
            go_package,
            &format!("io.grpc.reflection.{version}"),
            "ServerReflectionProto",
        )),
        ..file(&format!("grpc/reflection/{version}/reflection.proto"), &package)
    }
}

fn java(go_package: &str, package: &str, class: &str) -> FileOptions {
    FileOptions {
        java_package: Some(package.into()),
        java_outer_classname: Some(class.into()),
        java_multiple_files: Some(true),
        go_package: Some(go_package.into()),
        ..FileOptions::default()
    }
}

fn file(name: &str, package: &str) -> FileDescriptorProto {
    FileDescriptorProto {
        name: Some(name.into()),
        package: Some(package.into()),
        syntax: Some("proto3".into()),
        ..FileDescriptorProto::default()
    }
}
