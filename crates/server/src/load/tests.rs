use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{CurrentConfig, Loader, hash};
use crate::clock::Clock;
use crate::features::Features;
use crate::metrics::Metrics;
use crate::receivers::ReceiverSettings;

fn loader(path: &Path) -> Loader {
    let metrics = Arc::new(Metrics::new(Features::default()));
    Loader {
        path: path.to_path_buf(),
        features: Features::default(),
        external_url: "http://am.example".into(),
        retention: Duration::from_secs(120 * 3600),
        receivers: ReceiverSettings::usual(Arc::clone(&metrics)),
        metrics,
        clock: Clock::start(),
        current: CurrentConfig::default(),
    }
}

#[test]
fn the_hash_is_the_little_end_of_md5() {
    // md5("") = d41d8cd98f00…
    assert_eq!(hash(b""), f64::from(0x00_8f_d9_8c_u32) * 65536.0 + f64::from(0x1dd4_u32));
}

#[test]
fn a_file_takes_effect_and_the_status_shows_it_without_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("am.yml");
    let webhook = "webhook_configs: [{url: 'http://127.0.0.1:1/marker'}]";
    let text = format!("route: {{receiver: a}}\nreceivers:\n- name: a\n  {webhook}\n");
    fs::write(&path, text).unwrap();
    let loader = loader(&path);
    let (plan, notifiers, applied) = loader.load().unwrap().apply();
    assert_eq!((plan.receivers().len(), notifiers.count()), (1, 1));
    assert_eq!(&*loader.current.now().text, "");
    loader.takes_effect(&applied);
    let current = loader.current.now();
    assert!(current.text.contains("url: <secret>"));
    assert!(!current.text.contains("marker"));
    assert_eq!(current.config.receivers[0].integrations.len(), 1);
    assert_eq!(loader.metrics.config_reload_successful.read(), 1.0);
    assert_eq!(loader.metrics.integrations.read(), 1.0);
    assert!(loader.metrics.config_hash.read() > 0.0);
}

#[test]
fn certificate_paths_are_relative_to_the_configuration_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("am.yml");
    let text = "route: {receiver: a}\nreceivers:\n- name: a\n  webhook_configs:\n  - url: \
                'https://127.0.0.1:1/'\n    http_config: {tls_config: {ca_file: ca.pem}}\n";
    fs::write(&path, text).unwrap();
    let error = loader(&path).load().err().unwrap();
    let expected = directory.path().join("ca.pem").display().to_string();
    assert!(error.contains(&expected), "{error}");
}

#[test]
fn what_cannot_be_loaded_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("am.yml");
    let missing = loader(&path).load().err().unwrap();
    assert!(missing.starts_with(&format!("open {}: ", path.display())), "{missing}");
    fs::write(&path, b"route: \xff").unwrap();
    assert!(loader(&path).load().err().unwrap().contains("is not valid UTF-8"));
    fs::write(&path, "route: {receiver: a, grup_by: []}\nreceivers: [{name: a}]").unwrap();
    let wrong = loader(&path).load().err().unwrap();
    assert!(wrong.starts_with("line 1: route.grup_by: "), "{wrong}");
}

#[test]
fn the_status_shows_paths_as_they_are_opened() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("am.yml");
    let text = "templates: ['./t/*.tmpl']\nroute: {receiver: a}\nreceivers: [{name: a}]\n";
    fs::write(&path, text).unwrap();
    let loader = loader(&path);
    let (_, _, applied) = loader.load().unwrap().apply();
    loader.takes_effect(&applied);
    let shown = format!("templates:\n- {}/t/*.tmpl\n", directory.path().display());
    let text = loader.current.now().text;
    assert!(text.contains(&shown), "{text}");
}
