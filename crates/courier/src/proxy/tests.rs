use std::collections::BTreeMap;

use bellwether_integrations::http::ProxyConfig;
use bellwether_model::Secret;
use url::Url;

use super::ProxyRules;

fn configured(proxy_url: &str, no_proxy: &str) -> ProxyConfig {
    ProxyConfig {
        proxy_url: Some(Secret::new(proxy_url)),
        no_proxy: no_proxy.into(),
        ..ProxyConfig::default()
    }
}

fn rules(config: &ProxyConfig) -> ProxyRules {
    ProxyRules::build(config, |name| panic!("{name} was read")).expect("good rules")
}

fn from_environment(variables: &[(&str, &str)]) -> ProxyRules {
    let config = ProxyConfig { proxy_from_environment: true, ..ProxyConfig::default() };
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    let environment = |name: &str| variables.get(name).map(|value| (*value).to_owned());
    ProxyRules::build(&config, environment).expect("good rules")
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("a fixed URL")
}

#[track_caller]
fn check(rules: &ProxyRules, target: &str, proxied: bool) {
    assert_eq!(rules.proxy_for(&url(target)).is_some(), proxied, "{target}");
}

#[test]
fn without_a_proxy_everything_is_direct() {
    check(&rules(&ProxyConfig::default()), "http://a.example", false);
    check(&rules(&configured("", "")), "https://a.example", false);
}

#[test]
fn a_named_proxy_takes_everything_also_loopback() {
    let rules = rules(&configured("http://user:pw@proxy.example:3128", ""));
    for target in ["http://a.example", "https://a.example:8443", "http://127.0.0.1:1/x"] {
        check(&rules, target, true);
    }
}

#[test]
fn exceptions_are_domains_addresses_networks_and_ports() {
    let list = "a.example, .b.example,*.c.example,d.example:8080, 10.1.2.3,192.168.0.0/16,\
                [fd00::1]:443,fd01::/16,10.9.9.9:81,,.,:80";
    let rules = rules(&configured("http://proxy.example", list));
    for direct in [
        "http://a.example",
        "http://A.example:99",
        "http://x.a.example",
        "http://x.b.example",
        "http://x.y.c.example",
        "http://d.example:8080",
        "http://10.1.2.3:5",
        "https://192.168.255.1",
        "https://[fd00::1]",
        "http://[fd01:1::2]:99",
        "http://10.9.9.9:81",
        "http://localhost",
        "http://127.3.2.1",
        "http://[::1]:80",
    ] {
        check(&rules, direct, false);
    }
    for proxied in [
        "http://xa.example",
        "http://b.example",
        "http://c.example",
        "http://d.example",
        "https://d.example:8081",
        "http://10.1.2.4",
        "http://192.169.0.1",
        "http://[fd00::1]",
        "http://[fd02::1]",
        "http://10.9.9.9",
        "http://other.example",
    ] {
        check(&rules, proxied, true);
    }
}

#[test]
fn a_star_exempts_everything() {
    check(&rules(&configured("http://proxy.example", "x,*")), "http://a.example", false);
}

#[test]
fn the_environment_names_a_proxy_for_each_scheme() {
    let rules = from_environment(&[
        ("HTTP_PROXY", "proxy.example:3128"),
        ("https_proxy", "https://secure.example"),
        ("NO_PROXY", "a.example"),
    ]);
    assert_eq!(rules.plain, Some(url("http://proxy.example:3128")));
    assert_eq!(rules.tunnelled, Some(url("https://secure.example")));
    check(&rules, "http://b.example", true);
    check(&rules, "https://b.example", true);
    check(&rules, "https://a.example", false);
    check(&rules, "http://127.0.0.1", false);

    let only_tunnels = from_environment(&[("HTTPS_PROXY", "x"), ("no_proxy", "")]);
    check(&only_tunnels, "http://b.example", false);
    check(&only_tunnels, "https://b.example", true);
}

#[test]
fn a_cgi_program_ignores_http_proxy() {
    let rules = from_environment(&[("HTTP_PROXY", "evil"), ("REQUEST_METHOD", "GET")]);
    check(&rules, "http://b.example", false);
}

#[test]
fn socks_proxies_resolve_names_themselves() {
    let rules = rules(&configured("socks5://proxy.example:1080", ""));
    assert_eq!(rules.plain, Some(url("socks5h://proxy.example:1080")));
}

#[test]
fn a_proxy_with_another_scheme_or_none_is_an_http_proxy_as_in_go() {
    let check = |text: &str, expected: &str| {
        assert_eq!(rules(&configured(text, "")).plain, Some(url(expected)), "{text}");
    };
    check("//u:p@proxy.example:3128", "http://u:p@proxy.example:3128");
    check("foo://proxy.example:3128/x", "http://proxy.example:3128/x");
    check("HTTPS://proxy.example", "https://proxy.example");
    for text in ["proxy.example:3128", "proxy.example", "http:proxy.example:3128", "http:///x"] {
        check(text, "http://proxy-url-without-host.invalid");
    }
}

#[test]
fn a_proxy_that_cannot_be_is_refused_without_being_shown() {
    let refused = |config: &ProxyConfig| {
        let error = ProxyRules::build(config, |_| None).err().expect("no proxy").to_string();
        assert!(!error.contains("MARKER"), "{error}");
        error
    };
    assert!(refused(&configured(":MARKER", "")).contains("proxy_url"));
    assert!(refused(&configured("http://u:MARKER@x:y", "")).contains("proxy_url"));
    let header = |name: &str, value: &str| ProxyConfig {
        proxy_connect_header: BTreeMap::from([(name.into(), vec![Secret::new(value)])]),
        ..ProxyConfig::default()
    };
    assert!(refused(&header("X-A", "MARKER\n")).contains("proxy_connect_header X-A"));
    assert!(refused(&header("X A", "MARKER")).contains("proxy_connect_header X A"));
}
