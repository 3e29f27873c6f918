//! The modules of one crate as a tree of names, and the arrows between its files.
//!
//! An arrow leads from a file that names something (`use crate::…`, `use super::…`, or a path such
//! as `crate::…` or `child::…` in the code) to the file that defines it. A re-export is followed to
//! the definition, so a name that a crate's root passes on counts as an import of its own file.
//! What the tests of a file import does not count.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// One place where a file names something of another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    pub from: PathBuf,
    pub to: PathBuf,
    pub line: usize,
}

type ModuleId = usize;

#[derive(Default)]
struct Module {
    file: PathBuf,
    parent: Option<ModuleId>,
    children: BTreeMap<String, ModuleId>,
    names: BTreeMap<String, Name>,
    /// What is imported with `*`.
    globs: Vec<Vec<String>>,
}

enum Name {
    Defined,
    Imported(Vec<String>),
}

/// A path that occurs in the source of a module.
struct Mention {
    module: ModuleId,
    segments: Vec<String>,
    line: usize,
}

enum Target {
    Module(ModuleId),
    /// Something that a module defines.
    Item(ModuleId),
}

#[derive(Default)]
struct Tree {
    modules: Vec<Module>,
    mentions: Vec<Mention>,
}

/// All arrows between different files of the crate with this source folder.
pub fn arrows(source_folder: &Path) -> Vec<Arrow> {
    let mut arrows = Vec::new();
    for root in ["lib.rs", "main.rs"] {
        let root = source_folder.join(root);
        if root.exists() {
            let mut tree = Tree::default();
            tree.read_file(&root, source_folder, None);
            arrows.extend(tree.arrows());
        }
    }
    arrows.sort();
    arrows.dedup_by(|one, other| (&one.from, &one.to) == (&other.from, &other.to));
    arrows
}

impl Tree {
    fn read_file(&mut self, file: &Path, folder: &Path, parent: Option<ModuleId>) -> ModuleId {
        let text = fs::read_to_string(file).expect("a source file");
        let syntax = syn::parse_file(&text);
        let syntax = syntax.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let module = self.add_module(file, parent);
        self.read_items(module, folder, &syntax.items);
        module
    }

    fn add_module(&mut self, file: &Path, parent: Option<ModuleId>) -> ModuleId {
        self.modules.push(Module { file: file.to_owned(), parent, ..Module::default() });
        self.modules.len() - 1
    }

    fn read_items(&mut self, module: ModuleId, folder: &Path, items: &[syn::Item]) {
        for item in items {
            if is_for_tests(attributes(item)) {
                continue;
            }
            match item {
                syn::Item::Mod(child) => self.read_child(module, folder, child),
                syn::Item::Use(import) => self.read_use(module, &mut Vec::new(), &import.tree),
                _ => {
                    if let Some(name) = defined_name(item) {
                        self.modules[module].names.insert(name, Name::Defined);
                    }
                    Mentions { tree: self, module }.visit_item(item);
                }
            }
        }
    }

    fn read_child(&mut self, module: ModuleId, folder: &Path, child: &syn::ItemMod) {
        let name = child.ident.to_string();
        let inside = folder.join(&name);
        let id = match &child.content {
            Some((_, items)) => {
                let file = self.modules[module].file.clone();
                let id = self.add_module(&file, Some(module));
                self.read_items(id, &inside, items);
                id
            }
            None => self.read_file(&folder.join(format!("{name}.rs")), &inside, Some(module)),
        };
        self.modules[module].children.insert(name, id);
    }

    fn read_use(&mut self, module: ModuleId, path: &mut Vec<String>, tree: &syn::UseTree) {
        let mut import = |name: &syn::Ident, bound: &syn::Ident| {
            let mut segments = path.clone();
            if name != "self" {
                segments.push(name.to_string());
            }
            let bound =
                if bound == "self" { segments.last().cloned() } else { Some(bound.to_string()) };
            let line = line_of(name.span());
            self.mentions.push(Mention { module, segments: segments.clone(), line });
            if let Some(bound) = bound.filter(|bound| bound != "_") {
                let names = &mut self.modules[module].names;
                names.entry(bound).or_insert(Name::Imported(segments));
            }
        };
        match tree {
            syn::UseTree::Name(use_name) => import(&use_name.ident, &use_name.ident),
            syn::UseTree::Rename(rename) => import(&rename.ident, &rename.rename),
            syn::UseTree::Path(step) => {
                path.push(step.ident.to_string());
                self.read_use(module, path, &step.tree);
                path.pop();
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.read_use(module, path, tree);
                }
            }
            syn::UseTree::Glob(glob) => {
                let line = line_of(glob.star_token.spans[0]);
                self.mentions.push(Mention { module, segments: path.clone(), line });
                self.modules[module].globs.push(path.clone());
            }
        }
    }

    fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for mention in &self.mentions {
            let Some(target) = self.resolve(mention.module, &mention.segments, 0) else { continue };
            let (Target::Module(id) | Target::Item(id)) = target;
            let (from, to) = (&self.modules[mention.module].file, &self.modules[id].file);
            if from != to {
                arrows.push(Arrow { from: from.clone(), to: to.clone(), line: mention.line });
            }
        }
        arrows
    }

    /// What a path means in a module, or nothing if it leads out of the crate.
    fn resolve(&self, module: ModuleId, segments: &[String], depth: usize) -> Option<Target> {
        let (first, rest) = segments.split_first()?;
        let start = match first.as_str() {
            "crate" => 0,
            "self" => module,
            "super" => self.modules[module].parent?,
            _ => return self.resolve_below(module, segments, depth),
        };
        if rest.is_empty() {
            return Some(Target::Module(start));
        }
        if rest[0] == "super" {
            return self.resolve(start, rest, depth);
        }
        self.resolve_below(start, rest, depth)
    }

    fn resolve_below(&self, module: ModuleId, segments: &[String], depth: usize) -> Option<Target> {
        // Two modules that import everything from each other would be followed for ever.
        if depth > 16 {
            return None;
        }
        let (first, rest) = segments.split_first()?;
        let found = if let Some(child) = self.modules[module].children.get(first) {
            Target::Module(*child)
        } else {
            match self.modules[module].names.get(first) {
                Some(Name::Defined) => Target::Item(module),
                Some(Name::Imported(path)) if path[..] == *segments => return None,
                Some(Name::Imported(path)) => self.resolve(module, path, depth + 1)?,
                None => self.modules[module].globs.iter().find_map(|glob| {
                    match self.resolve(module, glob, depth + 1)? {
                        Target::Module(id) => self.resolve_below(id, &segments[..1], depth + 1),
                        Target::Item(_) => None,
                    }
                })?,
            }
        };
        match found {
            Target::Module(id) if !rest.is_empty() => {
                Some(self.resolve_below(id, rest, depth + 1).unwrap_or(Target::Module(id)))
            }
            found => Some(found),
        }
    }
}

/// Collects the paths in the code of one item.
struct Mentions<'a> {
    tree: &'a mut Tree,
    module: ModuleId,
}

impl Mentions<'_> {
    fn add(&mut self, segments: Vec<String>, span: Span) {
        if segments.len() > 1 {
            let (module, line) = (self.module, line_of(span));
            self.tree.mentions.push(Mention { module, segments, line });
        }
    }

    /// Finds paths in what is given to a macro: names with `::` between them.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut segments: Vec<String> = Vec::new();
        let mut start = Span::call_site();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.add(std::mem::take(&mut segments), start);
                        start = name.span();
                    }
                    segments.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' && !segments.is_empty() => {
                    colons += 1
                }
                other => {
                    self.add(std::mem::take(&mut segments), start);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.add_tokens(group.stream());
                    }
                }
            }
        }
        self.add(segments, start);
    }
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if path.leading_colon.is_none() {
            self.add(segments, path.segments[0].ident.span());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.add_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_item_use(&mut self, import: &'ast syn::ItemUse) {
        // Within a function.
        self.tree.read_use(self.module, &mut Vec::new(), &import.tree);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }
}

fn line_of(span: Span) -> usize {
    span.start().line
}

/// Whether the attributes of an item show that it is compiled for tests only.
pub fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let mut tokens = list.tokens.clone().into_iter();
            tokens.next().is_some_and(|token| token.to_string() == "test")
        }
        syn::Meta::Path(path) => path.is_ident("test"),
        _ => false,
    })
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn defined_name(item: &syn::Item) -> Option<String> {
    let name = match item {
        syn::Item::Const(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Fn(item) => &item.sig.ident,
        syn::Item::Macro(item) => item.ident.as_ref()?,
        syn::Item::Static(item) => &item.ident,
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        syn::Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
