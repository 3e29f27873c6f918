//! A long function has a comment that explains why.

use std::fs;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::modules::is_for_tests;
use crate::sources::{product_crates, product_files, shown, source_folder};

/// Limit: lines of a function, from its signature to its closing brace.
const LINES_MAX: usize = 70;

#[test]
fn long_functions_say_why() {
    let mut silent = String::new();
    for name in product_crates() {
        for file in product_files(&source_folder(&name)) {
            let text = fs::read_to_string(&file).expect("a source file");
            let syntax = syn::parse_file(&text).expect("Rust");
            let mut long = LongFunctions::default();
            long.visit_file(&syntax);
            for (first, last, function) in long.found {
                if says_why(&text, first) {
                    continue;
                }
                let (place, lines) = (shown(&file), last - first + 1);
                silent += &format!("  {place}:{first} {function} has {lines} lines\n");
            }
        }
    }
    assert!(silent.is_empty(), "without a comment `Long because:` above:\n{silent}");
}

/// Whether the comments and attributes right above a line have the mark.
fn says_why(text: &str, line: usize) -> bool {
    let above: Vec<&str> = text.lines().take(line - 1).collect();
    let belongs = |line: &&&str| {
        let line = line.trim_start();
        line.starts_with("//") || line.starts_with("#[")
    };
    above.iter().rev().take_while(belongs).any(|line| line.contains("Long because:"))
}

#[derive(Default)]
struct LongFunctions {
    /// First line, last line and name.
    found: Vec<(usize, usize, String)>,
}

impl LongFunctions {
    fn look_at(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.span().start().line;
        let last = block.span().end().line;
        if last - first + 1 > LINES_MAX {
            self.found.push((first, last, signature.ident.to_string()));
        }
    }
}

impl<'ast> Visit<'ast> for LongFunctions {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.look_at(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.look_at(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.look_at(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}
