//! What does a template say about this data?
//!
//! A [`Machine`] walks the tree and writes into one buffer. It remembers which node it is at, as
//! Go does, because that node is what an error names; the rest of its state is the stack of
//! variables and what is left of the limits.
//!
//! The one subtlety is in [`Slot`]: a value that came out of a list or map of anything is, in Go,
//! still wrapped in an interface. It shows in errors (`in type interface {}`) and decides whether
//! a field of nothing is nothing or an error.

mod arguments;
mod call;
mod eval;
pub(crate) mod listing;

use std::any::Any;
use std::fmt::Display;

use crate::error::{Error, ErrorKind};
use crate::escaper::Escaper;
use crate::html;
use crate::limits::{INTERRUPT_STEPS, Interrupt, Limits};
use crate::parse::quote::quote;
use crate::parse::tree::{Branch, Definitions, List, Node, Pipe, Template};
use crate::print::{Sink, print_text, write_value};
use crate::value::{Value, to_utf8};

use self::listing::{Listing, Part};

/// Renders one definition.
pub(crate) fn render(
    definitions: &Definitions,
    template: &Template,
    data: &Value,
    host: &dyn Any,
    limits: Limits,
    interrupt: Interrupt<'_>,
) -> Result<String, Error> {
    let machine = run(definitions, template, data, host, limits, interrupt, None)?;
    match String::from_utf8(machine.sink.bytes) {
        Ok(text) => Ok(text),
        Err(error) => Ok(to_utf8(error.as_bytes()).into_owned()),
    }
}

/// As [`render`], remembering which parts of the text list objects of this type.
pub(crate) fn render_listing(
    definitions: &Definitions,
    template: &Template,
    data: &Value,
    host: &dyn Any,
    limits: Limits,
    interrupt: Interrupt<'_>,
    of: &'static str,
) -> Result<Listing, Error> {
    let machine = run(definitions, template, data, host, limits, interrupt, Some(of))?;
    Ok(Listing::new(machine.sink.bytes, machine.parts))
}

fn run<'a>(
    definitions: &'a Definitions,
    template: &'a Template,
    data: &Value,
    host: &'a dyn Any,
    limits: Limits,
    interrupt: Interrupt<'a>,
    lists: Option<&'static str>,
) -> Result<Machine<'a>, Error> {
    let dot = Slot::plain(data.clone());
    let mut machine = Machine {
        definitions,
        template,
        host,
        limits,
        interrupt,
        steps: limits.steps,
        depth: 0,
        here: Here { at: template.body.at, node: &template.body },
        variables: vec![("$", dot.clone())],
        sink: Sink::new(limits.output_bytes),
        lists,
        parts: Vec::new(),
    };
    machine.list(&dot, &template.body)?;
    Ok(machine)
}

struct Machine<'a> {
    definitions: &'a Definitions,
    /// The definition that is being rendered.
    template: &'a Template,
    host: &'a dyn Any,
    limits: Limits,
    interrupt: Interrupt<'a>,
    /// Steps that are left.
    steps: u64,
    depth: usize,
    here: Here<'a>,
    /// Innermost last; the first of a definition is `$`.
    variables: Vec<(&'a str, Slot)>,
    sink: Sink,
    /// The type of the objects whose parts of the text are remembered.
    lists: Option<&'static str>,
    parts: Vec<Part>,
}

/// The node that an error would name.
#[derive(Clone, Copy)]
struct Here<'a> {
    at: u32,
    node: &'a dyn Display,
}

/// A value, and whether it is wrapped in an interface.
#[derive(Clone)]
struct Slot {
    value: Value,
    wrapped: bool,
}

/// How the walk goes on after a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

type Rendered<T> = Result<T, Error>;

impl Slot {
    fn plain(value: Value) -> Self {
        Self { value, wrapped: false }
    }
}

impl<'a> Machine<'a> {
    fn list(&mut self, dot: &Slot, list: &'a List) -> Rendered<Flow> {
        self.enter()?;
        for node in &list.nodes {
            let flow = self.node(dot, node)?;
            if flow != Flow::Next {
                self.depth -= 1;
                return Ok(flow);
            }
        }
        self.depth -= 1;
        Ok(Flow::Next)
    }

    fn node(&mut self, dot: &Slot, node: &'a Node) -> Rendered<Flow> {
        self.spend(1)?;
        match node {
            Node::Text { text } => {
                self.sink.push(text);
                self.check_output()?;
            }
            Node::Action { pipe, escapers } => {
                self.here = Here { at: pipe.at, node };
                let slot = self.pipe(dot, pipe)?;
                if pipe.variables.is_empty() {
                    self.here = Here { at: pipe.at, node };
                    self.print(node, &slot.value, escapers)?;
                }
            }
            Node::If(branch) => return self.branch(dot, branch, node, false),
            Node::With(branch) => return self.branch(dot, branch, node, true),
            Node::Range(branch) => return self.range(dot, branch, node),
            Node::Template { at, name, pipe } => {
                self.here = Here { at: *at, node };
                self.call_template(dot, name, pipe.as_ref())?;
            }
            Node::Break { .. } => return Ok(Flow::Break),
            Node::Continue { .. } => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn print(&mut self, node: &Node, value: &Value, escapers: &[Escaper]) -> Rendered<()> {
        if !escapers.is_empty() {
            html::write_escaped(&mut self.sink, value, escapers);
        } else if let Value::Function(_) = value {
            let name = value.type_name();
            return Err(self.error(format!("can't print {node} of type {name}")));
        } else {
            write_value(&mut self.sink, value);
        }
        self.check_output()
    }

    fn branch(
        &mut self,
        dot: &Slot,
        branch: &'a Branch,
        node: &'a Node,
        moves_dot: bool,
    ) -> Rendered<Flow> {
        self.here = Here { at: branch.pipe.at, node };
        let mark = self.variables.len();
        let slot = self.pipe(dot, &branch.pipe)?;
        let flow = match (slot.value.is_true(), &branch.otherwise) {
            (true, _) => self.list(if moves_dot { &slot } else { dot }, &branch.then)?,
            (false, Some(otherwise)) => self.list(dot, otherwise)?,
            (false, None) => Flow::Next,
        };
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn range(&mut self, dot: &Slot, branch: &'a Branch, node: &'a Node) -> Rendered<Flow> {
        self.here = Here { at: branch.pipe.at, node };
        let mark = self.variables.len();
        let slot = self.pipe(dot, &branch.pipe)?;
        let beneath = slot.value.beneath().into_owned();
        let rounds = match &beneath {
            Value::Nil => 0,
            Value::List(list) => list.items.len(),
            Value::Map(map) => map.len(),
            Value::Int(_) | Value::Uint(_) | Value::Byte(_) => {
                if branch.pipe.variables.len() > 1 {
                    let shown = print_text(&slot.value);
                    return Err(self.error(format!(
                        "can't use {shown} to iterate over more than one variable"
                    )));
                }
                whole(&beneath)
            }
            _ => {
                let shown = print_text(&slot.value);
                return Err(self.error(format!("range can't iterate over {shown}")));
            }
        };
        let inner = self.variables.len();
        for round in 0..rounds {
            self.spend(1)?;
            let (index, element) = element_at(&beneath, round);
            self.bind_round(&branch.pipe, index, &element)?;
            let start = self.sink.bytes.len();
            let flow = self.list(&element, &branch.then)?;
            self.remember_part(start, element.value);
            self.variables.truncate(inner);
            if flow == Flow::Break {
                break;
            }
        }
        if rounds == 0
            && let Some(otherwise) = &branch.otherwise
        {
            let flow = self.list(dot, otherwise)?;
            self.variables.truncate(mark);
            // A `break` in here ends this loop, a `continue` goes on with the one around.
            return Ok(if flow == Flow::Break { Flow::Next } else { flow });
        }
        self.variables.truncate(mark);
        Ok(Flow::Next)
    }

    /// Remembers what a round has written, if it was about an object of the wanted type.
    fn remember_part(&mut self, start: usize, element: Value) {
        let at = start..self.sink.bytes.len();
        if let (Some(of), Value::Object(object)) = (self.lists, &element)
            && object.type_name() == of
            && !at.is_empty()
        {
            self.parts.push(Part { element, at });
        }
    }

    /// Gives the variables of a loop the values of one round.
    fn bind_round(&mut self, pipe: &'a Pipe, index: Value, element: &Slot) -> Rendered<()> {
        let index = Slot::plain(index);
        let (first, second) = match pipe.variables.as_slice() {
            [] => return Ok(()),
            [only] => return self.bind(pipe, only, 1, element.clone()),
            [first, second, ..] => (first, second),
        };
        self.bind(pipe, first, 2, index)?;
        self.bind(pipe, second, 1, element.clone())
    }

    fn bind(&mut self, pipe: &Pipe, name: &str, from_top: usize, slot: Slot) -> Rendered<()> {
        if pipe.assigns {
            return self.assign(name, slot);
        }
        let position = self.variables.len().checked_sub(from_top);
        if let Some((_, variable)) = position.and_then(|at| self.variables.get_mut(at)) {
            *variable = slot;
        }
        Ok(())
    }

    fn assign(&mut self, name: &str, slot: Slot) -> Rendered<()> {
        match self.variables.iter_mut().rev().find(|(candidate, _)| *candidate == name) {
            Some((_, variable)) => {
                *variable = slot;
                Ok(())
            }
            None => Err(self.error(format!("undefined variable: {name}"))),
        }
    }

    fn call_template(&mut self, dot: &Slot, name: &str, pipe: Option<&'a Pipe>) -> Rendered<()> {
        let Some(template) = self.definitions.get(name) else {
            let name = quote(name.as_bytes());
            return Err(self.error(format!("template {name} not defined")));
        };
        if self.depth + 1 >= self.limits.depth {
            let depth = self.limits.depth;
            return Err(self.limit(format!("exceeded maximum template depth ({depth})")));
        }
        let dot = match pipe {
            Some(pipe) => self.pipe(dot, pipe)?,
            None => Slot::plain(Value::Nil),
        };
        let outer = std::mem::replace(&mut self.template, template);
        let variables = std::mem::replace(&mut self.variables, vec![("$", dot.clone())]);
        self.list(&dot, &template.body)?;
        self.variables = variables;
        self.template = outer;
        Ok(())
    }

    /// One level deeper; the caller comes up again.
    fn enter(&mut self) -> Rendered<()> {
        self.depth += 1;
        if self.depth > self.limits.depth {
            let depth = self.limits.depth;
            return Err(self.limit(format!("exceeded maximum nesting depth ({depth})")));
        }
        Ok(())
    }

    fn spend(&mut self, steps: u64) -> Rendered<()> {
        match self.steps.checked_sub(steps) {
            Some(left) => {
                let asks = left / INTERRUPT_STEPS != self.steps / INTERRUPT_STEPS;
                self.steps = left;
                if asks && let Some(reason) = (self.interrupt)() {
                    return Err(self.limit(reason));
                }
                Ok(())
            }
            None => {
                let steps = self.limits.steps;
                Err(self.limit(format!("exceeded maximum number of steps ({steps})")))
            }
        }
    }

    fn check_output(&self) -> Rendered<()> {
        if self.sink.is_full() { Err(self.output_limit()) } else { Ok(()) }
    }

    fn output_limit(&self) -> Error {
        let bytes = self.limits.output_bytes;
        self.limit(format!("exceeded maximum output size ({bytes} bytes)"))
    }

    fn limit(&self, reason: String) -> Error {
        Error { kind: ErrorKind::Limit, ..self.error(reason) }
    }

    fn error(&self, reason: impl Display) -> Error {
        let location = self.template.source.location(self.here.at);
        let name = quote(self.template.name.as_bytes());
        let node = self.here.node;
        let text = format!("template: {location}: executing {name} at <{node}>: {reason}");
        Error::new(ErrorKind::Render, text)
    }
}

fn whole(value: &Value) -> usize {
    match value {
        Value::Int(value) => usize::try_from(*value).unwrap_or(0),
        Value::Uint(value) => usize::try_from(*value).unwrap_or(usize::MAX),
        Value::Byte(value) => usize::from(*value),
        _ => 0,
    }
}

/// Index or key, and element, of one round of a loop.
fn element_at(value: &Value, round: usize) -> (Value, Slot) {
    let number = i64::try_from(round).unwrap_or(i64::MAX);
    match value {
        Value::List(list) => {
            let element = list.items.get(round).cloned().unwrap_or_default();
            let wrapped = list.of == crate::Type::Any;
            (Value::Int(number), Slot { value: element, wrapped })
        }
        Value::Map(map) => {
            let wrapped = map.of == crate::Type::Any;
            match map.entry(round) {
                Some((key, element)) => {
                    (Value::Text(key.clone()), Slot { value: element.clone(), wrapped })
                }
                None => (Value::Nil, Slot::plain(Value::Nil)),
            }
        }
        Value::Uint(_) => (Value::Nil, Slot::plain(Value::Uint(number.unsigned_abs()))),
        Value::Byte(_) => {
            let byte = u8::try_from(round).unwrap_or(u8::MAX);
            (Value::Nil, Slot::plain(Value::Byte(byte)))
        }
        _ => (Value::Nil, Slot::plain(Value::Int(number))),
    }
}
