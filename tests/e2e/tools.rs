//! Our own `amtool`, as docs/tools.md shows it, against our server.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use bellwether_e2e::fixtures::TWO_RECEIVERS;
use bellwether_e2e::{Setup, programs};

#[test]
fn every_example_of_the_page_about_tools_works() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tools.md");
    let page = fs::read_to_string(page).expect("the page");
    let examples: Vec<&str> = page.split("```sh\n").skip(1).collect();
    assert!(examples.len() > 5, "the page has examples");

    let setup = Setup::ours(TWO_RECEIVERS);
    let server = setup.start();
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path();
    let write = |path: &str, text: &str| {
        let path = home.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the test's own folder");
        fs::write(path, text).expect("the test's own folder");
    };
    let url = format!("http://{}", server.address());
    write(".config/amtool/config.yml", &format!("alertmanager.url: {url}\n"));
    write("alertmanager.yml", TWO_RECEIVERS);
    write("templates/title.tmpl", "{{ define \"title\" }}{{ len .Alerts }} alerts{{ end }}");
    let bin = home.join("bin");
    fs::create_dir(&bin).expect("the test's own folder");
    for name in ["bellwether", "amtool"] {
        std::os::unix::fs::symlink(programs::bellwether(), bin.join(name)).expect("a symlink");
    }

    for example in examples {
        let script = example.split("```").next().expect("the example itself");
        let output = shell(script, home, &bin);
        let said = String::from_utf8_lossy(&output.stdout);
        let failed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}{said}{failed}");
        let is_meant = |line: &&str| line.starts_with("Warning: --config.file flag overrides");
        let failed: Vec<&str> = failed.lines().filter(|line| !is_meant(line)).collect();
        assert!(failed.is_empty(), "{script}{said}{failed:?}");
        assert!(!said.contains("level=WARN"), "{script}{said}");
        assert_ne!((script.contains('>'), said.is_empty()), (false, true), "{script}");
    }
    let silences = fs::read_to_string(home.join("silences.json")).expect("it was written");
    assert!(silences.contains("to be moved"), "{silences}");
    let manual = fs::read_to_string(home.join("amtool.1")).expect("it was written");
    assert!(manual.starts_with(".TH amtool 1 amtool, version "), "{manual}");
}

fn shell(script: &str, home: &Path, bin: &Path) -> Output {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell.args(["-e", "-u", "-c", script]).current_dir(home);
    shell.env("HOME", home).env("PATH", format!("{}:{path}", bin.display()));
    shell.env_remove("XDG_CONFIG_HOME").env_remove("XDG_CONFIG_DIRS");
    shell.output().expect("there is a shell")
}
