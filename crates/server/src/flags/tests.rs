//! The messages were compared by hand with those of the Go program.

use std::collections::BTreeSet;

use super::table::Target;
use super::{Flags, Parsed, SignedDuration, TABLE, changed, parse, usage};
use crate::logging::{Format, Level};

fn outcome(arguments: &str) -> Result<Parsed, String> {
    let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
    parse(&arguments, |path| match path {
        "args" => Ok("--log.level=debug\n# a remark\n--web.timeout\n3s\n".into()),
        path => Err(format!("open {path}: no such file or directory")),
    })
}

fn flags(arguments: &str) -> Flags {
    match outcome(arguments) {
        Ok(Parsed::Run(flags)) => *flags,
        other => panic!("{arguments}: {other:?}"),
    }
}

fn check_error(arguments: &str, expected: &str) {
    match outcome(arguments) {
        Err(message) => assert_eq!(message, expected, "for {arguments}"),
        Ok(parsed) => panic!("{arguments}: {parsed:?}"),
    }
}

#[test]
fn defaults_are_those_of_the_table() {
    let flags = flags("");
    assert_eq!(flags.config_file, "alertmanager.yml");
    assert_eq!(flags.storage_path, "data/");
    assert_eq!(flags.data_retention, SignedDuration(120 * 3_600_000_000_000));
    assert_eq!(flags.web_listen_addresses, [":9093"]);
    assert_eq!(flags.cluster_listen_address, "0.0.0.0:9094");
    assert_eq!(flags.cluster_reconnect_timeout, SignedDuration(6 * 3_600_000_000_000));
    assert_eq!(flags.memory_limit_ratio, 0.9);
    assert_eq!((flags.log_level, flags.log_format), (Level::Info, Format::Logfmt));
    assert_eq!(changed(&flags), Vec::<&str>::new());
}

#[test]
fn every_flag_takes_a_value_and_lands_in_its_own_field() {
    let mut reached = BTreeSet::new();
    for flag in TABLE {
        let arguments = match flag.target {
            Target::Switch(_) => format!("--{}", flag.name),
            Target::Text(_) | Target::Texts(_) => format!("--{}=other", flag.name),
            Target::Duration(_) => format!("--{} 77s", flag.name),
            Target::Count(_) | Target::Integer(_) => format!("--{}=77", flag.name),
            Target::Ratio(_) => format!("--{}=0.5", flag.name),
            Target::Level(_) => format!("--{}=WARN", flag.name),
            Target::Format(_) => format!("--{}=json", flag.name),
        };
        assert_eq!(changed(&flags(&arguments)), [flag.name]);
        assert!(reached.insert(flag.name), "{} is twice in the table", flag.name);
    }
    assert_eq!(reached.len(), 64);
}

#[test]
fn errors_are_worded_as_in_the_go_server() {
    check_error("--nope", "unknown long flag '--nope'");
    check_error("--no-", "unknown long flag '--no-'");
    check_error("--config.fil=x", "unknown long flag '--config.fil'");
    check_error("--no-config.file", "unknown long flag '--no-config.file'");
    check_error("--=x", "unknown long flag '--'");
    check_error("-z", "unknown short flag '-z'");
    check_error("-hfoo", "unknown short flag '-f'");
    check_error("-", "unknown short flag '-'");
    check_error("extra", "unexpected extra");
    check_error("-- extra", "unexpected extra");
    check_error("-- @args", "unexpected @args");
    check_error("extra --nope", "unexpected extra");
    check_error("--config.file", "expected argument for flag '--config.file'");
    check_error("--config.file -x", "expected argument for flag '--config.file'");
    check_error("--config.file --version", "expected argument for flag '--config.file'");
    check_error("--web.systemd-socket=false", "unexpected false");
    check_error("--no-web.systemd-socket=1", "unexpected 1");
    check_error("--help=3", "unexpected 3");
    check_error("--storage.path=a --storage.path=b", "flag 'storage.path' cannot be repeated");
    check_error("--log.silences --log.silences", "flag 'log.silences' cannot be repeated");
    check_error("--data.retention 1d", "time: unknown unit \"d\" in duration \"1d\"");
    check_error("--data.retention=", "time: invalid duration \"\"");
    check_error("--web.get-concurrency=x", "strconv.ParseFloat: parsing \"x\": invalid syntax");
    check_error("--web.get-concurrency=", "strconv.ParseFloat: parsing \"\": invalid syntax");
    check_error(
        "--web.get-concurrency=1e400",
        "strconv.ParseFloat: parsing \"1e400\": value out of range",
    );
    let bytes = "--api.connect.max-request-body-bytes";
    for wrong in ["x", "", "0x", "_10", "0x1__0", "08", "1.5", "0_", "+"] {
        let expected = format!("strconv.ParseInt: parsing {wrong:?}: invalid syntax");
        check_error(&format!("{bytes}={wrong}"), &expected);
    }
    for wrong in ["9223372036854775808", "-0x8000000000000001", &"9".repeat(50)] {
        let expected = format!("strconv.ParseInt: parsing {wrong:?}: value out of range");
        check_error(&format!("{bytes}={wrong}"), &expected);
    }
    check_error("--log.level=foo", "unrecognized log level foo");
    check_error("--log.format=x", "unrecognized log format x");
    check_error(
        "@nowhere",
        "failed to open arguments file \"nowhere\": open nowhere: no such file or directory",
    );
}

#[test]
fn unknown_arguments_are_reported_before_invalid_values() {
    check_error("--data.retention=x --nope", "unknown long flag '--nope'");
    check_error("--storage.path=a --storage.path=b --nope", "unknown long flag '--nope'");
    check_error("--help --nope", "unknown long flag '--nope'");
}

#[test]
fn version_and_help_win_over_wrong_values() {
    let version = [
        "--version --nope",
        "--data.retention=x --version",
        "-h --version",
        "--no-version",
        "--version=2",
        "--version extra",
    ];
    for arguments in version {
        assert!(matches!(outcome(arguments), Ok(Parsed::Version)), "{arguments}");
    }
    for arguments in ["--help --data.retention=x", "--no-help", "-hh", "--help-long --nope"] {
        assert!(matches!(outcome(arguments), Ok(Parsed::Help)), "{arguments}");
    }
    assert!(matches!(outcome("--help-man"), Ok(Parsed::ManPage)));
}

#[test]
fn forms_of_values() {
    let flags = flags(
        "--config.file=a=b --web.listen-address=:1 --web.listen-address [::1]:2 --no-log.silences \
         --cluster.listen-address= --data.retention=-1h --web.get-concurrency=1.5 \
         --api.connect.max-request-body-bytes=0x1_000 @args --",
    );
    assert_eq!(flags.config_file, "a=b");
    assert_eq!(flags.web_listen_addresses, [":1", "[::1]:2"]);
    assert!(!flags.log_silences);
    assert_eq!(flags.cluster_listen_address, "");
    assert_eq!(flags.data_retention.positive(), None);
    assert_eq!(flags.web_get_concurrency, 1);
    assert_eq!(flags.connect_request_bytes_max, 4096);
    assert_eq!(flags.log_level, Level::Debug);
    assert_eq!(flags.web_timeout, SignedDuration(3_000_000_000));
}

#[test]
fn help_shows_every_flag_within_the_width_of_a_screen() {
    let text = usage("alertmanager");
    for flag in TABLE {
        assert!(text.contains(flag.name), "{} is missing", flag.name);
    }
    let too_wide: Vec<&str> =
        text.lines().filter(|line| line.len() > 80 && line.contains(' ')).collect();
    assert_eq!(too_wide, Vec::<&str>::new());
    assert!(text.contains("      --config.file=\"alertmanager.yml\"\n"));
}
