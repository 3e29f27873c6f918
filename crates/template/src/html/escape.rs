//! Which escapers does each action of a page need?
//!
//! Walks a template with the context of a browser and makes a copy that is annotated. Branches
//! must end alike; the body of a loop is walked again unless it ended as it began. A definition is
//! walked once for each context that it is used in, and gets a name of its own for each.
//!
//! A definition that calls itself is first assumed to end as it began; if it does not, what it
//! ended in is tried as the assumption, once.
//!
//! A loop in which the context changes doubles the work, also of the loops within it, so the walk
//! has a budget.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::context::{Context, Delimiter, Fault, State, UrlPart};
use super::rewrite::{escape_text, plan};
use crate::error::{Error, ErrorKind};
use crate::escaper::Escaper;
use crate::parse::quote::quote;
use crate::parse::tree::{Branch, Definitions, Form, List, Node, Pipe, Source, Template, WordKind};

/// An inline text and its definitions, escaped.
pub(crate) fn escape(
    inline: &Arc<Template>,
    definitions: &Definitions,
) -> Result<(Arc<Template>, Definitions), Error> {
    let mut walk = Walk {
        definitions,
        source: inline.source.clone(),
        found: Found::default(),
        loops: Vec::new(),
        depth: 0,
        budget: STEPS_MAX,
    };
    let (context, name) = walk.definition(Context::default(), None, &inline.name);
    let description = match context.fault {
        Some(fault) => return Err(error(&inline.name, &fault)),
        None if context.state != State::Text => {
            format!("ends in a non-text context: {context}")
        }
        None => {
            let mut escaped = definitions.clone();
            for (name, template) in walk.found.escaped {
                escaped.insert(template.name.clone(), template);
                debug_assert!(escaped.contains_key(name.as_str()));
            }
            let template = escaped.get(name.as_str()).cloned().unwrap_or_else(|| inline.clone());
            return Ok((template, escaped));
        }
    };
    Err(error(&inline.name, &Fault { description, ..Fault::default() }))
}

struct Walk<'a> {
    definitions: &'a Definitions,
    /// Where the nodes come from that are being walked.
    source: Arc<Source>,
    found: Found,
    /// The loops around, innermost last.
    loops: Vec<Jumps>,
    depth: usize,
    budget: u64,
}

/// What has been found out; a trial works on a copy.
#[derive(Clone, Default)]
struct Found {
    /// The context at the end of each definition, by its name for the context at its start.
    ends: BTreeMap<String, Context>,
    called: BTreeSet<String>,
    escaped: BTreeMap<String, Arc<Template>>,
}

/// The contexts at the jumps out of a loop.
#[derive(Clone, Default)]
struct Jumps {
    breaks: Vec<(Context, u32)>,
    continues: Vec<(Context, u32)>,
}

impl Walk<'_> {
    /// A definition in a context; gives the context behind it and its name there.
    fn definition(
        &mut self,
        context: Context,
        caller: Option<u32>,
        name: &str,
    ) -> (Context, String) {
        let mangled = context.mangle(name);
        self.found.called.insert(mangled.clone());
        if let Some(end) = self.found.ends.get(&mangled) {
            return (end.clone(), mangled);
        }
        let Some(template) = self.definitions.get(name).cloned() else {
            let description = format!("no such template {}", quote(name.as_bytes()));
            let location = caller.map(|at| self.source.location(at));
            let fault = Fault { location, description, ..Fault::default() };
            return (Context::faulty(fault), mangled);
        };
        // A trial copies what is known so far.
        self.budget = self.budget.saturating_sub(self.found.ends.len() as u64 / 8);
        let outer_source = std::mem::replace(&mut self.source, template.source.clone());
        // Jumps belong to loops of the same definition.
        let outer_loops = std::mem::take(&mut self.loops);
        let mut result = self.body(context, &template, &mangled);
        if let Err(end) = result {
            result =
                self.body(end.clone(), &template, &mangled).map_err(|again| graver(end, again));
        }
        self.loops = outer_loops;
        let end = match result {
            Ok(end) => end,
            Err(end) if end.state == State::Error => end,
            Err(_) => {
                let description = format!("cannot compute output context for template {mangled}");
                let location = Some(self.source.location(template.body.at));
                Context::faulty(Fault { location, description, ..Fault::default() })
            }
        };
        self.source = outer_source;
        (end, mangled)
    }

    /// Walks a definition that is assumed to end as it begins. An error is the context in which it
    /// ends if the assumption was needed and wrong, or a failure.
    fn body(
        &mut self,
        context: Context,
        template: &Template,
        mangled: &str,
    ) -> Result<Context, Context> {
        self.found.ends.insert(mangled.to_owned(), context.clone());
        let before = self.found.clone();
        self.found.called.clear();
        let (end, body) = self.list(context.clone(), &template.body);
        let recursive = self.found.called.contains(mangled);
        if end.state == State::Error || (recursive && end != context) {
            self.found = before;
            return Err(end);
        }
        self.found.called.extend(before.called);
        let name: Arc<str> = mangled.into();
        let escaped = Template { name, source: template.source.clone(), body };
        self.found.escaped.insert(mangled.to_owned(), Arc::new(escaped));
        Ok(end)
    }

    fn list(&mut self, mut context: Context, list: &List) -> (Context, List) {
        if self.depth >= DEPTH_MAX {
            let what = format!("blocks and templates are nested more than {DEPTH_MAX} deep");
            return (Context::faulty(limit(what)), list.clone());
        }
        self.depth += 1;
        let mut nodes = Vec::with_capacity(list.nodes.len());
        for node in &list.nodes {
            // Nothing is rendered behind a jump. Behind an error, a graver one may follow.
            let out_of_budget = context.fault.as_ref().is_some_and(|fault| fault.is_limit);
            if context.state == State::Dead || out_of_budget {
                break;
            }
            let (next, node) = self.node(context, node);
            context = next;
            nodes.push(node);
        }
        self.depth -= 1;
        (context, List { at: list.at, nodes })
    }

    fn node(&mut self, context: Context, node: &Node) -> (Context, Node) {
        if self.budget == 0 {
            let what = format!("escaping takes more than {STEPS_MAX} steps");
            return (Context::faulty(limit(what)), node.clone());
        }
        self.budget -= 1;
        match node {
            Node::Text { text } => {
                let (context, text) = escape_text(context, text);
                (context, Node::Text { text })
            }
            Node::Action { pipe, .. } => self.action(context, pipe, node),
            Node::If(branch) => {
                let (context, branch) = self.branch(context, branch, "if");
                (context, Node::If(branch))
            }
            Node::With(branch) => {
                let (context, branch) = self.branch(context, branch, "with");
                (context, Node::With(branch))
            }
            Node::Range(branch) => {
                let (context, branch) = self.range(context, branch);
                (context, Node::Range(branch))
            }
            Node::Template { at, name, pipe } => {
                let (context, name) = self.definition(context, Some(*at), name);
                let (at, pipe) = (*at, pipe.clone());
                (context, Node::Template { at, name: name.into(), pipe })
            }
            Node::Break { at } => {
                if let Some(jumps) = self.loops.last_mut() {
                    jumps.breaks.push((context, *at));
                }
                (Context::in_state(State::Dead), node.clone())
            }
            Node::Continue { at } => {
                if let Some(jumps) = self.loops.last_mut() {
                    jumps.continues.push((context, *at));
                }
                (Context::in_state(State::Dead), node.clone())
            }
        }
    }

    fn action(&self, context: Context, pipe: &Pipe, node: &Node) -> (Context, Node) {
        if !pipe.variables.is_empty() {
            return (context, node.clone());
        }
        let mut context = context.nudged();
        if let Some(name) = misplaced_escaper(&context, pipe) {
            let description = format!("predefined escaper {name:?} disallowed in template");
            let location = Some(self.source.location(pipe.at));
            let fault = Fault { location, description, ..Fault::default() };
            return (Context::faulty(fault), node.clone());
        }
        if context.state == State::Error {
            return (context, node.clone());
        }
        match escapers(&mut context) {
            Some(wanted) => {
                let (pipe, escapers) = plan(pipe, wanted);
                (context, Node::Action { pipe, escapers })
            }
            None => {
                let description = format!("{node} appears in an ambiguous context within a URL");
                let location = Some(self.source.location(pipe.at));
                let fault = Fault { location, description, ..Fault::default() };
                (Context::faulty(fault), node.clone())
            }
        }
    }

    fn branch(&mut self, context: Context, branch: &Branch, name: &str) -> (Context, Branch) {
        let (then_end, then) = self.list(context.clone(), &branch.then);
        self.otherwise(context, branch, name, then_end, then)
    }

    fn range(&mut self, context: Context, branch: &Branch) -> (Context, Branch) {
        self.loops.push(Jumps::default());
        let (end, then) = self.list(context.clone(), &branch.then);
        let jumps = self.loops.pop().unwrap_or_default();
        let end = self.join_jumps(end, &jumps);
        if end.state == State::Error {
            return (end, branch.clone());
        }
        if end == context {
            // Every round is like the first one.
            return self.otherwise(context, branch, "range", end, then);
        }
        // The second round starts where the first one ended; only its end is of interest.
        self.loops.push(Jumps::default());
        let before = self.found.clone();
        let (again, _) = self.list(end.clone(), &branch.then);
        self.found = before;
        let jumps = self.loops.pop().unwrap_or_default();
        let mut end = self.join(end, again, branch.pipe.at, "range");
        if let Some(fault) = &mut end.fault {
            fault.explain("on range loop re-entry", self.source.line(branch.pipe.at));
            return (end, branch.clone());
        }
        let end = self.join_jumps(end, &jumps);
        if end.state == State::Error {
            return (end, branch.clone());
        }
        self.otherwise(context, branch, "range", end, then)
    }

    fn otherwise(
        &mut self,
        context: Context,
        branch: &Branch,
        name: &str,
        then_end: Context,
        then: List,
    ) -> (Context, Branch) {
        let (end, otherwise) = match &branch.otherwise {
            Some(list) => {
                let (end, list) = self.list(context, list);
                (end, Some(list))
            }
            None => (context, None),
        };
        let end = self.join(then_end, end, branch.pipe.at, name);
        let pipe = branch.pipe.clone();
        (end, Branch { pipe, then, otherwise })
    }

    fn join(&self, first: Context, second: Context, at: u32, name: &str) -> Context {
        let shown = (first.clone(), second.clone());
        first.join(second).unwrap_or_else(|| {
            let (first, second) = shown;
            let description =
                format!("{{{{{name}}}}} branches end in different contexts: {first}, {second}");
            let location = Some(self.source.location(at));
            Context::faulty(Fault { location, description, ..Fault::default() })
        })
    }

    fn join_jumps(&self, mut end: Context, jumps: &Jumps) -> Context {
        if end.state == State::Error {
            return end;
        }
        let breaks = jumps.breaks.iter().map(|jump| (jump, "break"));
        let continues = jumps.continues.iter().map(|jump| (jump, "continue"));
        for ((context, at), name) in breaks.chain(continues) {
            end = self.join(end, context.clone(), *at, "range");
            if let Some(fault) = &mut end.fault {
                fault.explain(&format!("at range loop {name}"), self.source.line(*at));
                return end;
            }
        }
        end
    }
}

/// What an action needs in this context, and what it does to it; `None` if that cannot be known.
fn escapers(context: &mut Context) -> Option<Vec<Escaper>> {
    let mut wanted = Vec::new();
    match context.state {
        State::URL
        | State::CSSDqStr
        | State::CSSSqStr
        | State::CSSDqURL
        | State::CSSSqURL
        | State::CSSURL => {
            let css_string = matches!(context.state, State::CSSDqStr | State::CSSSqStr);
            let path = if css_string { Escaper::CssString } else { Escaper::UrlNormalizer };
            match context.url {
                UrlPart::None => wanted.extend([Escaper::UrlFilter, path]),
                UrlPart::PreQuery => wanted.push(path),
                UrlPart::QueryOrFrag => wanted.push(Escaper::UrlPart),
                UrlPart::Unknown => return None,
            }
        }
        State::MetaContentURL => wanted.push(Escaper::UrlFilter),
        State::JS => {
            wanted.push(Escaper::JsValue);
            // A slash behind a value divides.
            context.slash = super::context::Slash::DivOp;
        }
        State::JSDqStr | State::JSSqStr => wanted.push(Escaper::JsString),
        State::JSTmplLit => wanted.push(Escaper::JsTemplate),
        State::JSRegexp => wanted.push(Escaper::JsRegexp),
        State::CSS => wanted.push(Escaper::CssValue),
        State::Text => wanted.push(Escaper::Html),
        State::RCDATA => wanted.push(Escaper::Rcdata),
        State::AttrName | State::Tag => {
            context.state = State::AttrName;
            wanted.push(Escaper::HtmlName);
        }
        State::Srcset => wanted.push(Escaper::Srcset),
        State::HTMLCmt
        | State::JSBlockCmt
        | State::JSLineCmt
        | State::JSHTMLOpenCmt
        | State::JSHTMLCloseCmt
        | State::CSSBlockCmt
        | State::CSSLineCmt => wanted.push(Escaper::Comment),
        State::Attr
        | State::MetaContent
        | State::AfterName
        | State::BeforeValue
        | State::Error
        | State::Dead => {}
    }
    match context.delimiter {
        Delimiter::None => {}
        Delimiter::SpaceOrTagEnd => wanted.push(Escaper::Unquoted),
        Delimiter::DoubleQuote | Delimiter::SingleQuote => wanted.push(Escaper::Attribute),
    }
    Some(wanted)
}

/// `html` and `urlquery` may only stand at the end of a pipeline, and `html` not in an attribute
/// without quotes, for which it is not enough.
fn misplaced_escaper(context: &Context, pipe: &Pipe) -> Option<&'static str> {
    let bare = context.state == State::Attr && context.delimiter == Delimiter::SpaceOrTagEnd;
    for (position, command) in pipe.commands.iter().enumerate() {
        let Some(WordKind::Function { form, .. }) = command.words.first().map(|word| &word.kind)
        else {
            continue;
        };
        let name = match form {
            Form::Html => "html",
            Form::UrlQuery => "urlquery",
            Form::Plain | Form::And | Form::Or | Form::Call => continue,
        };
        if position + 1 < pipe.commands.len() || (bare && *form == Form::Html) {
            return Some(name);
        }
    }
    None
}

/// The failure of two attempts that is reported: that of the first, unless the second found the same one
/// and explained it further.
fn graver(first: Context, second: Context) -> Context {
    let further = match (&first.fault, &second.fault) {
        (Some(first), Some(second)) => second.description.ends_with(&first.description),
        _ => false,
    };
    if further { second } else { first }
}

fn limit(description: String) -> Fault {
    Fault { description, is_limit: true, ..Fault::default() }
}

fn error(name: &str, fault: &Fault) -> Error {
    let description = &fault.description;
    let text = match &fault.location {
        Some(location) => format!("html/template:{location}: {description}"),
        None if fault.line > 0 => format!("html/template:{name}:{}: {description}", fault.line),
        None if !name.is_empty() => format!("html/template:{name}: {description}"),
        None => format!("html/template: {description}"),
    };
    let kind = if fault.is_limit { ErrorKind::Limit } else { ErrorKind::Escape };
    Error::new(kind, text)
}

/// Limit: blocks and definitions within each other while they are escaped.
const DEPTH_MAX: usize = 200;

/// Limit: nodes that are walked to escape one text.
const STEPS_MAX: u64 = 200_000;
