use proptest::prelude::*;

use super::*;
use crate::yaml::{Document, Kind, NodeId};

fn text_at(document: &Document, node: NodeId) -> Option<String> {
    match &document.node(node).kind {
        Kind::Scalar { text, .. } if !document.is_null(node) => Some(text.clone()),
        _ => None,
    }
}

/// Everything that is hard about texts, and a little that is not.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(" ".to_owned()),
        Just("\n".to_owned()),
        Just("\t".to_owned()),
        "[-?:,\\[\\]{}#&*!|>'\"%@`~<=.\\\\]",
        "[a-c0-9]{1,3}",
        Just("yes".to_owned()),
        Just("null".to_owned()),
        Just("2024-01-31".to_owned()),
        Just("é☎\u{85}\u{a0}\u{2028}\u{1f600}".to_owned()),
        Just("a word and another one of a sentence that is long enough to be folded ".to_owned()),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    // A failure prints its smallest input, which is all that is needed to repeat it.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn texts_read_back_as_themselves(value in texts(), key in texts(), item in texts()) {
        let tree = Tree::Map(vec![
            (Tree::text("value"), Tree::text(&value)),
            (Tree::text(&key), Tree::List(vec![Tree::text(&item), Tree::text(&value)])),
            (Tree::text("flow"), Tree::Flow(vec![Tree::text(&item), Tree::text(&key)])),
        ]);
        let printed = emit(&tree);
        let document = Document::load(&printed).map_err(|e| TestCaseError::fail(format!("{e}\n{printed}")))?;
        let Kind::Mapping(entries) = &document.node(document.root().expect("not empty")).kind else {
            panic!("not a map:\n{printed}")
        };
        prop_assert_eq!(text_at(&document, entries[0].1), Some(value.clone()), "{}", printed);
        prop_assert_eq!(text_at(&document, entries[1].0), Some(key.clone()), "{}", printed);
        for (entry, expected) in [(entries[1].1, [&item, &value]), (entries[2].1, [&item, &key])] {
            let Kind::Sequence(items) = &document.node(entry).kind else {
                panic!("not a list:\n{printed}")
            };
            for (node, expected) in items.iter().zip(expected) {
                prop_assert_eq!(text_at(&document, *node), Some(expected.clone()), "{}", printed);
            }
        }
    }
}

#[test]
fn lists_are_flush_with_their_key_and_maps_indented() {
    let list = Tree::List(vec![
        Tree::Map(vec![
            (Tree::text("a"), Tree::Int(1)),
            (Tree::text("b"), Tree::List(vec![Tree::Null, Tree::List(vec![Tree::Bool(true)])])),
        ]),
        Tree::List(vec![]),
    ]);
    let tree = Tree::Map(vec![(Tree::text("x"), Tree::Map(vec![(Tree::text("list"), list)]))]);
    let expected = "\
x:
  list:
  - a: 1
    b:
    - null
    - - true
  - []
";
    assert_eq!(emit(&tree), expected);
}

#[test]
fn long_texts_are_folded_and_several_lines_are_a_block() {
    let words = "word ".repeat(20);
    let tree = Tree::Map(vec![
        (Tree::text("folded"), Tree::text(words.trim_end())),
        (Tree::text("block"), Tree::text("one\n  two\n")),
        (Tree::text("bare"), Tree::text("one\ntwo")),
    ]);
    let expected = "\
folded: word word word word word word word word word word word word word word word
  word word word word word
block: |
  one
    two
bare: |-
  one
  two
";
    assert_eq!(emit(&tree), expected);
}

#[test]
fn numbers_are_printed_as_short_as_they_read_back() {
    let numbers = [0.25, 1.0, 1e6, 123_456.0, 1.5e-7, f64::INFINITY, f64::NAN];
    let shown: Vec<String> = numbers.iter().map(|number| float_text(*number)).collect();
    assert_eq!(shown, ["0.25", "1", "1e+06", "123456", "1.5e-07", ".inf", ".nan"]);
}

#[test]
fn keys_sort_in_natural_order() {
    let keys = ["a10", "a9", "b", "", "a", "a09", "A", "1", "_x", "a1b"];
    let entries = keys.iter().map(|key| (Tree::text(key), Tree::Null));
    let numbers = [(Tree::Int(3), Tree::Null), (Tree::Bool(true), Tree::Null)];
    let Tree::Map(sorted) = Tree::sorted_map(entries.chain(numbers)) else { panic!("not a map") };
    let shown: Vec<String> = sorted.iter().map(|(key, _)| format!("{key:?}")).collect();
    let expected = [
        "Bool(true)",
        "Int(3)",
        "Text(\"\")",
        "Text(\"_x\")",
        "Text(\"1\")",
        "Text(\"A\")",
        "Text(\"a\")",
        "Text(\"a1b\")",
        "Text(\"a9\")",
        "Text(\"a09\")",
        "Text(\"a10\")",
        "Text(\"b\")",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn characters_beyond_the_basic_plane_are_escaped() {
    let list = ["é☎", "🔥 {{ .Status }}", "a\n🔥\n"].map(Tree::text);
    let expected = "- é☎\n- \"\\U0001F525 {{ .Status }}\"\n- \"a\\n\\U0001F525\\n\"\n";
    assert_eq!(emit(&Tree::List(list.to_vec())), expected);
}
