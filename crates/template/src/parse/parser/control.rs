//! Actions: what stands behind `{{`.

use super::{Ending, Item, Parsed, Parser, offset};
use crate::parse::lex::{Keyword, Kind, Token};
use crate::parse::tree::{Branch, List, Node, Template};

/// The blocks that have a pipeline, and perhaps an `else`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    If,
    With,
    Range,
}

impl<'a> Parser<'a> {
    pub(super) fn action(&mut self) -> Parsed<Item> {
        let token = self.take_word();
        let Kind::Keyword(keyword) = token.kind else {
            self.ahead.push(token);
            let pipe = self.pipeline("command", Kind::Close)?;
            return Ok(Item::Node(Node::Action { pipe, escapers: Vec::new() }));
        };
        let node = match keyword {
            Keyword::Block => self.block()?,
            Keyword::Break | Keyword::Continue => self.jump(&token, keyword)?,
            Keyword::Else => {
                // An `if` or `with` behind it belongs to the next block.
                let next = &self.peek_word().kind;
                if !matches!(next, Kind::Keyword(Keyword::If | Keyword::With)) {
                    self.expect_close("else")?;
                }
                return Ok(Item::Ending(Ending::Else));
            }
            Keyword::End => {
                self.expect_close("end")?;
                return Ok(Item::Ending(Ending::End));
            }
            Keyword::If => Node::If(self.branch(Block::If)?),
            Keyword::With => Node::With(self.branch(Block::With)?),
            Keyword::Range => Node::Range(self.branch(Block::Range)?),
            Keyword::Template => self.template()?,
            Keyword::Define => {
                self.ahead.push(token);
                self.pipeline("command", Kind::Close)?;
                return Err(self.error("unexpected <define> in command"));
            }
        };
        Ok(Item::Node(node))
    }

    fn branch(&mut self, block: Block) -> Parsed<Branch> {
        let name = match block {
            Block::If => "if",
            Block::With => "with",
            Block::Range => "range",
        };
        let variables = self.scope.variables.len();
        let pipe = self.pipeline(name, Kind::Close)?;
        let loops = self.scope.loops;
        if block == Block::Range {
            self.scope.loops += 1;
        }
        let (then, ending) = self.list()?;
        self.scope.loops = loops;
        let otherwise = match ending {
            Ending::End => None,
            Ending::Else => Some(self.otherwise(block)?),
        };
        self.scope.variables.truncate(variables);
        Ok(Branch { pipe, then, otherwise })
    }

    /// What follows an `else`; `else if` and `else with` are blocks that share the `end`.
    fn otherwise(&mut self, block: Block) -> Parsed<List> {
        let next = self.peek();
        let at = offset(next.at);
        let chained = match (block, &next.kind) {
            (Block::If, Kind::Keyword(Keyword::If))
            | (Block::With, Kind::Keyword(Keyword::With)) => true,
            (Block::If | Block::With | Block::Range, _) => false,
        };
        if chained {
            self.take();
            self.enter()?;
            let branch = self.branch(block)?;
            self.nesting -= 1;
            let node = if block == Block::If { Node::If(branch) } else { Node::With(branch) };
            return Ok(List { at, nodes: vec![node] });
        }
        let (list, ending) = self.list()?;
        match ending {
            Ending::End => Ok(list),
            Ending::Else => Err(self.error(format!("expected end; found {}", ending.show()))),
        }
    }

    fn jump(&mut self, token: &Token<'a>, keyword: Keyword) -> Parsed<Node> {
        let place = format!("{{{{{}}}}}", token.text);
        self.expect_close(&place)?;
        if self.scope.loops == 0 {
            return Err(self.error(format!("{place} outside {{{{range}}}}")));
        }
        let at = offset(token.at);
        Ok(match keyword {
            Keyword::Break => Node::Break { at },
            _ => Node::Continue { at },
        })
    }

    fn template(&mut self) -> Parsed<Node> {
        const PLACE: &str = "template clause";
        let token = self.take_word();
        let at = offset(token.at);
        let name = self.template_name(token, PLACE)?;
        let next = self.take_word();
        let pipe = if next.kind == Kind::Close {
            None
        } else {
            self.ahead.push(next);
            Some(self.pipeline(PLACE, Kind::Close)?)
        };
        Ok(Node::Template { at, name: name.into(), pipe })
    }

    /// A definition that is used where it stands.
    fn block(&mut self) -> Parsed<Node> {
        const PLACE: &str = "block clause";
        let token = self.take_word();
        let at = offset(token.at);
        let name = self.template_name(token, PLACE)?;
        let pipe = self.pipeline(PLACE, Kind::Close)?;
        let outer = std::mem::take(&mut self.scope);
        let (body, ending) = self.list()?;
        if let Ending::Else = ending {
            return Err(self.error(format!("unexpected {} in {PLACE}", ending.show())));
        }
        let name: std::sync::Arc<str> = name.into();
        self.add(Template { name: name.clone(), source: self.source.clone(), body })?;
        self.scope = outer;
        Ok(Node::Template { at, name, pipe: Some(pipe) })
    }
}
