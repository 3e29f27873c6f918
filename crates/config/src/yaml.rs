//! YAML as a tree of nodes that know their line.
//!
//! In: the text of a file. Out: a [`Document`], the first one of the text, or the one syntax error
//! that ended reading. Scalars keep their text and whether they were plain; what that text means is
//! decided by the field that wants it, through [`scalar::resolve`].
//!
//! Aliases stay aliases, so that a small file that expands to a huge one costs nothing here;
//! the code that walks the tree counts (see [`crate::block`]). Nothing here recurses.

mod emit;
mod mend;
mod scalar;

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

use crate::Error;

pub(crate) use emit::{Tree, emit};
pub(crate) use scalar::{Scalar, resolve};

/// The first document of a text. It is empty if the text holds none.
#[derive(Default)]
pub(crate) struct Document {
    nodes: Vec<Node>,
    root: Option<NodeId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(u32);

pub(crate) struct Node {
    /// Counted from 1.
    pub line: u32,
    /// In full (`tag:yaml.org,2002:str`), or local (`!name`).
    pub tag: Option<String>,
    pub kind: Kind,
}

pub(crate) enum Kind {
    Scalar { text: String, plain: bool },
    Sequence(Vec<NodeId>),
    Mapping(Vec<(NodeId, NodeId)>),
    Alias(NodeId),
}

impl Document {
    pub(crate) fn load(text: &str) -> Result<Document, Error> {
        if text.len() > TEXT_MAX_BYTES {
            return Err(Error::at_line(
                None,
                format!("the text is longer than {TEXT_MAX_BYTES} bytes"),
            ));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        refuse_control_characters(text)?;
        let mut text = text.to_owned();
        for _ in 0..MENDS_MAX {
            let error = match read(&text)? {
                Ok(document) => return Ok(document),
                Err(error) => error,
            };
            if mend::mend(&mut text, &error).is_none() {
                let line = u32::try_from(error.marker().line()).ok();
                return Err(Error::at_line(line, error.info().to_owned()));
            }
        }
        let message = format!("more than {MENDS_MAX} lines with odd tabs or indentation");
        Err(Error::at_line(None, message))
    }

    pub(crate) fn root(&self) -> Option<NodeId> {
        self.root
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The node behind any aliases.
    pub(crate) fn resolve_alias(&self, mut id: NodeId) -> NodeId {
        // Aliases point backwards, so this ends.
        while let Kind::Alias(target) = self.node(id).kind {
            id = target;
        }
        id
    }

    /// Whether the node says "nothing here".
    pub(crate) fn is_null(&self, id: NodeId) -> bool {
        let node = self.node(id);
        match &node.kind {
            Kind::Scalar { text, plain } => {
                matches!(resolve(text, *plain, node.tag.as_deref()), Ok(Scalar::Null))
            }
            Kind::Sequence(_) | Kind::Mapping(_) => node.tag.as_deref() == Some(scalar::NULL_TAG),
            Kind::Alias(_) => self.is_null(self.resolve_alias(id)),
        }
    }

    /// Whether this key stands for the content of other mappings.
    pub(crate) fn is_merge(&self, key: NodeId) -> bool {
        let node = self.node(key);
        match &node.kind {
            Kind::Scalar { text, plain } => {
                text == "<<" && (*plain || node.tag.as_deref() == Some(scalar::MERGE_TAG))
            }
            Kind::Sequence(_) | Kind::Mapping(_) | Kind::Alias(_) => false,
        }
    }

    /// The line of what stands at this path (`route.routes[0].match`), or of the innermost block
    /// around it that exists.
    pub(crate) fn line_of(&self, path: &str) -> Option<u32> {
        let mut node = self.root?;
        let mut line = self.node(node).line;
        for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
            let next = match &self.node(self.resolve_alias(node)).kind {
                Kind::Mapping(entries) => self.entry(entries, step),
                Kind::Sequence(items) => step
                    .strip_suffix(']')
                    .and_then(|index| index.parse::<usize>().ok())
                    .and_then(|index| items.get(index))
                    .map(|item| (self.node(*item).line, *item)),
                Kind::Scalar { .. } | Kind::Alias(_) => None,
            };
            let Some(found) = next else { break };
            (line, node) = found;
        }
        Some(line)
    }

    /// Whether the mapping has this key, itself or merged, with something behind it.
    pub(crate) fn has(&self, mapping: NodeId, name: &str) -> bool {
        let Kind::Mapping(entries) = &self.node(self.resolve_alias(mapping)).kind else {
            return false;
        };
        entries.iter().rev().any(|(key, value)| match &self.node(*key).kind {
            _ if self.is_merge(*key) => match &self.node(self.resolve_alias(*value)).kind {
                Kind::Sequence(items) => items.iter().any(|item| self.has(*item, name)),
                Kind::Mapping(_) => self.has(*value, name),
                Kind::Scalar { .. } | Kind::Alias(_) => false,
            },
            Kind::Scalar { text, .. } => text == name && !self.is_null(*value),
            Kind::Sequence(_) | Kind::Mapping(_) | Kind::Alias(_) => false,
        })
    }

    /// The key's line and the value, of the entry with this key.
    fn entry(&self, entries: &[(NodeId, NodeId)], name: &str) -> Option<(u32, NodeId)> {
        entries.iter().find_map(|(key, value)| match &self.node(*key).kind {
            Kind::Scalar { text, .. } if text == name => Some((self.node(*key).line, *value)),
            _ => None,
        })
    }
}

/// A syntax error is handed out as it is, since one kind of them can be mended.
fn read(text: &str) -> Result<Result<Document, ScanError>, Error> {
    let mut loader = Loader::default();
    let chars: Vec<char> = text.chars().collect();
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => return Ok(Err(error)),
        };
        let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
        loader.at_bracket = matches!(chars.get(span.start.index()), Some('[' | '{'));
        if let Event::Scalar(_, ScalarStyle::DoubleQuoted, ..) = &event
            && has_escaped_slash(chars.get(span.start.index()..span.end.index()).unwrap_or(&[]))
        {
            // Compat: the older dialect has no such escape.
            let message = "found unknown escape character".to_owned();
            return Err(Error::at_line(Some(line), message));
        }
        if loader.take(event, line)? == Loading::Finished {
            break;
        }
    }
    Ok(Ok(loader.document))
}

fn has_escaped_slash(quoted: &[char]) -> bool {
    let mut chars = quoted.iter();
    while let Some(char) = chars.next() {
        if *char == '\\' && chars.next() == Some(&'/') {
            return true;
        }
    }
    false
}

#[derive(PartialEq)]
enum Loading {
    Unfinished,
    Finished,
}

/// Builds the tree from events; the open collections wait on a stack.
#[derive(Default)]
struct Loader {
    document: Document,
    open: Vec<Open>,
    anchors: HashMap<usize, NodeId>,
    /// Whether the event at hand begins with one.
    at_bracket: bool,
}

struct Open {
    node: NodeId,
    /// Of a mapping: the key whose value comes next.
    key: Option<NodeId>,
    in_brackets: bool,
}

impl Loader {
    fn take(&mut self, event: Event<'_>, line: u32) -> Result<Loading, Error> {
        match event {
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
            Event::StreamEnd | Event::DocumentEnd => return Ok(Loading::Finished),
            Event::Scalar(text, style, anchor, tag) => {
                // `!` alone means: what it would be if it were quoted.
                let bare = tag.as_deref().is_some_and(|tag| full_tag(tag) == "!");
                let plain = style == ScalarStyle::Plain && !bare;
                if style == ScalarStyle::Plain && self.is_in_brackets() && text.contains('?') {
                    // Compat: in the older dialect it ends the text.
                    let message = "a text with a '?' must be quoted in brackets".to_owned();
                    return Err(Error::at_line(Some(line), message));
                }
                let kind = Kind::Scalar { text: text.into_owned(), plain };
                self.add(line, tag.as_deref(), anchor, kind)?;
            }
            Event::Alias(anchor) => {
                let target = *self.anchors.get(&anchor).ok_or_else(|| {
                    Error::at_line(Some(line), "unknown anchor referenced".to_owned())
                })?;
                if self.open.iter().any(|open| open.node == target) {
                    let message = "the value of an anchor contains itself".to_owned();
                    return Err(Error::at_line(Some(line), message));
                }
                self.add(line, None, 0, Kind::Alias(target))?;
            }
            Event::SequenceStart(anchor, tag) => {
                self.add(line, tag.as_deref(), anchor, Kind::Sequence(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.add(line, tag.as_deref(), anchor, Kind::Mapping(Vec::new()))?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
            }
        }
        Ok(Loading::Unfinished)
    }

    fn is_in_brackets(&self) -> bool {
        self.open.last().is_some_and(|open| open.in_brackets)
    }

    fn add(
        &mut self,
        line: u32,
        tag: Option<&Tag>,
        anchor: usize,
        kind: Kind,
    ) -> Result<(), Error> {
        let nodes = &mut self.document.nodes;
        if nodes.len() >= NODES_MAX {
            return Err(Error::at_line(Some(line), format!("more than {NODES_MAX} values")));
        }
        let opens = matches!(kind, Kind::Sequence(_) | Kind::Mapping(_));
        let id = NodeId(u32::try_from(nodes.len()).expect("NODES_MAX is below u32::MAX"));
        let tag = tag.map(full_tag).filter(|tag| tag != "!");
        nodes.push(Node { line, tag, kind });
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        match self.open.last_mut() {
            None => self.document.root = Some(id),
            Some(parent) => match &mut nodes[parent.node.0 as usize].kind {
                Kind::Mapping(entries) => match parent.key.take() {
                    None => parent.key = Some(id),
                    Some(key) => entries.push((key, id)),
                },
                Kind::Sequence(items) => items.push(id),
                Kind::Scalar { .. } | Kind::Alias(_) => {}
            },
        }
        if opens {
            if self.open.len() >= DEPTH_MAX {
                let message = format!("nested more than {DEPTH_MAX} levels deep");
                return Err(Error::at_line(Some(line), message));
            }
            let in_brackets = self.at_bracket || self.is_in_brackets();
            self.open.push(Open { node: id, key: None, in_brackets });
        }
        Ok(())
    }
}

fn full_tag(tag: &Tag) -> String {
    format!("{}{}", tag.handle, tag.suffix)
}

fn refuse_control_characters(text: &str) -> Result<(), Error> {
    let allowed = |c: char| match c {
        '\t' | '\n' | '\r' | '\u{85}' => true,
        '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
        _ => !c.is_control(),
    };
    match text.char_indices().find(|(_, c)| !allowed(*c)) {
        None => Ok(()),
        Some((at, _)) => {
            let lines = text[..at].bytes().filter(|byte| *byte == b'\n').count();
            let line = u32::try_from(lines + 1).ok();
            Err(Error::at_line(line, "control characters are not allowed".to_owned()))
        }
    }
}

/// Limit: a configuration is read whole, and more than once.
pub(crate) const TEXT_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Limit: each takes another look at the text from its start.
const MENDS_MAX: usize = 1000;
/// Limit: each value costs some hundred bytes while the file is read.
const NODES_MAX: usize = 500_000;
/// Limit: blocks are decoded by recursion. A route takes two levels.
const DEPTH_MAX: usize = 200;
