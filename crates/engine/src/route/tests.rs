use std::collections::BTreeSet;
use std::time::Duration;

use bellwether_model::{LabelSet, Matcher, Matchers, Op};
use proptest::prelude::*;

use super::{RouteIndex, Routes};
use crate::plan::{GroupBy, RouteSpec, Timing};

fn route(receiver: &str, conditions: &[(&str, Op, &str)], routes: Vec<RouteSpec>) -> RouteSpec {
    let matcher = |(name, op, value): &(&str, Op, &str)| {
        Matcher::new(*name, *op, *value).expect("a valid matcher")
    };
    RouteSpec {
        receiver: receiver.into(),
        group_by: GroupBy::Labels(BTreeSet::from(["alertname".to_owned()])),
        matchers: Matchers::new(conditions.iter().map(matcher).collect()),
        continues: false,
        timing: Timing {
            group_wait: Duration::ZERO,
            group_interval: Duration::from_secs(60),
            repeat_interval: Duration::from_secs(3600),
        },
        mute_intervals: Vec::new(),
        active_intervals: Vec::new(),
        labels: LabelSet::default(),
        routes,
    }
}

/// The walk as the rules describe it, looking at every child.
fn naive(spec: &RouteSpec, next: &mut u32, labels: &LabelSet, open: bool, found: &mut Vec<u32>) {
    let own = *next;
    *next += 1;
    let before = found.len();
    let mut looking = open;
    for child in &spec.routes {
        let matches = looking && child.matchers.matches(labels);
        naive(child, next, labels, matches, found);
        if matches && !child.continues {
            looking = false;
        }
    }
    if open && found.len() == before {
        found.push(own);
    }
}

fn any_labels() -> impl Strategy<Value = LabelSet> {
    proptest::collection::vec(("[abc]", "[xyz]"), 0..4)
        .prop_map(|pairs| LabelSet::new(pairs.iter().map(|(name, value)| (&**name, &**value))))
}

fn any_route() -> impl Strategy<Value = RouteSpec> {
    let op = prop_oneof![
        4 => Just(Op::Equal),
        1 => Just(Op::NotEqual),
        1 => Just(Op::Matches),
        1 => Just(Op::NotMatches)
    ];
    let condition = ("[abc]", op, prop_oneof![Just(""), Just("x"), Just("y"), Just("z")]);
    let conditions = proptest::collection::vec(condition, 0..3);
    let leaf = (conditions.clone(), any::<bool>()).prop_map(|(conditions, continues)| {
        let conditions: Vec<(&str, Op, &str)> =
            conditions.iter().map(|(name, op, value)| (&**name, *op, *value)).collect();
        RouteSpec { continues, ..route("team", &conditions, Vec::new()) }
    });
    leaf.prop_recursive(4, 40, 6, move |inner| {
        (inner.clone(), proptest::collection::vec(inner, 0..6))
            .prop_map(|(route, routes)| RouteSpec { routes, ..route })
    })
}

proptest! {
    #[test]
    fn the_indexed_walk_finds_what_the_naive_one_finds(
        root in any_route(),
        alerts in proptest::collection::vec(any_labels(), 1..8),
    ) {
        let routes = Routes::compile(&root);
        for labels in alerts {
            let mut expected = Vec::new();
            naive(&root, &mut 0, &labels, true, &mut expected);
            let mut found = Vec::new();
            routes.matching(&labels, &mut found);
            let found: Vec<u32> = found.into_iter().map(|RouteIndex(at)| at).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn the_fingerprint_of_a_group_is_that_of_its_labels(labels in any_labels(), all in any::<bool>()) {
        let mut root = route("team", &[], Vec::new());
        root.group_by = if all {
            GroupBy::AllLabels
        } else {
            GroupBy::Labels(["a".to_owned(), "c".to_owned()].into())
        };
        let routes = Routes::compile(&root);
        let route = routes.route(RouteIndex(0));
        prop_assert_eq!(route.group_fingerprint(&labels), route.group_labels(&labels).fingerprint());
    }
}

#[test]
fn keys_are_paths_and_identities_distinguish_equal_routes() {
    let web = [("team", Op::Equal, "web")];
    let root = route(
        "root",
        &[],
        vec![
            route("web", &web, vec![route("pager", &[("severity", Op::Matches, "p.*")], vec![])]),
            route("web", &web, vec![]),
            route("other", &web, vec![]),
        ],
    );
    let routes = Routes::compile(&root);
    let names: Vec<(&str, &str)> = (0..5)
        .map(|at| routes.route(RouteIndex(at)))
        .map(|route| (route.key.as_str(), route.identity.as_str()))
        .collect();
    let web = r#"{}/{team="web"}"#;
    let pager = r#"{}/{team="web"}/{severity=~"p.*"}"#;
    assert_eq!(
        names,
        [
            ("{}", "{}"),
            (web, web),
            (pager, pager),
            (web, r#"{}/{team="web"}#1"#),
            // Another receiver has a log of its own.
            (web, web),
        ]
    );
}
