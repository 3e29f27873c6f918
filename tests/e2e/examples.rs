//! The files in `examples/` are accepted by what they are made for.
//!
//! If they are not, an operator finds out on the day of the installation, or when an alert about
//! this server should have come.

use std::path::{Path, PathBuf};
use std::process::Command;

use bellwether_e2e::programs;

#[test]
fn promtool_accepts_the_rules_and_they_fire_when_they_should() {
    for arguments in [["check", "rules", "rules.yml"], ["test", "rules", "rules.test.yml"]] {
        let mut promtool = Command::new(programs::debian("promtool"));
        let output = promtool.args(arguments).current_dir(examples()).output();
        let output = output.expect("promtool runs");
        let (said, failed) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "promtool {arguments:?}: {said}{failed}");
        assert!(said.contains("SUCCESS"), "promtool {arguments:?} has looked at no rule: {said}");
    }
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}
