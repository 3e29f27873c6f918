//! Arguments become elements: flags, commands and values, in the order in which they were given.
//!
//! In: the arguments, and a way to read an `@file`. Out: an [`Invocation`], which holds what was
//! understood, and the error about the first argument that was not.
//!
//! The rules are those of the Go program's library, and so are their oddities: a command that is
//! left out is the default one, also where a flag is met that only that one knows; and a switch
//! with `=value` leaves the value behind as an argument.

use std::collections::VecDeque;

use super::table::{Argument, Command, Flag, PROGRAM};

/// What the arguments say.
#[derive(Debug)]
pub struct Invocation {
    pub elements: Vec<Element>,
    /// From the outermost command to the one that is meant.
    pub path: Vec<&'static Command>,
    /// All flags that could have been given.
    pub flags: Vec<&'static Flag>,
    /// All arguments that could have been given.
    pub arguments: Vec<&'static Argument>,
    /// Whether `--` was met, behind which there are no flags.
    pub only_arguments: bool,
    pub error: Option<String>,
}

#[derive(Debug)]
pub enum Element {
    Flag(&'static Flag, String),
    Argument(&'static Argument, String),
    Command {
        command: &'static Command,
        /// The names that could have been given instead; empty if it was named.
        alternatives: Vec<&'static str>,
    },
}

/// Whether default commands count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    OutDefaults,
    NothingOut,
}

/// Reads the lines of an `@file`; the error follows `failed to open arguments file "x": `.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// Reads the arguments that follow the program's name.
pub fn parse(arguments: &[String], leaving: Leaving, read_file: ReadFile<'_>) -> Invocation {
    let mut tokens = Tokens {
        rest: arguments.iter().cloned().collect(),
        peeked: Vec::new(),
        verbatim: false,
        behind_dashes: false,
        read_file,
    };
    let mut found = Invocation {
        elements: Vec::new(),
        path: Vec::new(),
        flags: PROGRAM.flags.iter().collect(),
        arguments: Vec::new(),
        only_arguments: false,
        error: None,
    };
    found.error = found.read(&mut tokens, leaving).err();
    found.only_arguments = tokens.verbatim;
    found
}

impl Invocation {
    /// The command that is meant; `None` for the program itself.
    pub fn command(&self) -> Option<&'static Command> {
        self.path.last().copied()
    }

    /// The names from the outermost command on: `config routes show`.
    pub fn full_name(&self) -> String {
        let names: Vec<&str> = self.path.iter().map(|command| command.name).collect();
        names.join(" ")
    }

    pub fn flags_given(&self) -> impl Iterator<Item = &'static Flag> + '_ {
        self.elements.iter().filter_map(|element| match element {
            Element::Flag(flag, _) => Some(*flag),
            Element::Argument(..) | Element::Command { .. } => None,
        })
    }

    fn read(&mut self, tokens: &mut Tokens<'_>, leaving: Leaving) -> Result<(), String> {
        let mut commands = PROGRAM.commands;
        let default_of = |commands: &'static [Command]| {
            let is_used = leaving == Leaving::NothingOut;
            commands.iter().find(|command| command.is_default && is_used)
        };
        loop {
            match tokens.peek(&self.flags) {
                Token::End => break,
                Token::Error(reason) => return Err(reason),
                Token::Short(_) | Token::Long(_) => {
                    if let Err(reason) = self.read_flag(tokens) {
                        let default = default_of(commands).ok_or(reason)?;
                        commands = self.select(default, names(commands));
                    }
                }
                Token::Argument(text) if !commands.is_empty() => {
                    if let Some(command) = commands.iter().find(|command| command.name == text) {
                        commands = self.select(command, Vec::new());
                        tokens.next(&self.flags);
                    } else {
                        let unexpected = || {
                            let shown = bellwether_model::quote::quoted(&text);
                            format!("expected command but got {shown}")
                        };
                        let default = default_of(commands).ok_or_else(unexpected)?;
                        commands = self.select(default, names(commands));
                    }
                }
                Token::Argument(text) => {
                    let Some(argument) = self.next_argument() else { break };
                    self.elements.push(Element::Argument(argument, text));
                    tokens.next(&self.flags);
                }
            }
        }
        while let Some(default) = default_of(commands) {
            commands = self.select(default, names(commands));
        }
        match tokens.peek(&self.flags) {
            Token::End => Ok(()),
            Token::Error(reason) => Err(reason),
            other => Err(format!("unexpected {}", other.text())),
        }
    }

    fn select(
        &mut self,
        command: &'static Command,
        alternatives: Vec<&'static str>,
    ) -> &'static [Command] {
        self.elements.push(Element::Command { command, alternatives });
        self.path.push(command);
        self.flags.extend(command.flags);
        self.arguments.extend(command.arguments);
        command.commands
    }

    /// The argument that the next value belongs to.
    fn next_argument(&self) -> Option<&'static Argument> {
        let given = self.elements.iter().filter(|it| matches!(it, Element::Argument(..))).count();
        let last = self.arguments.last().filter(|last| last.target.is_repeatable());
        self.arguments.get(given).or(last).copied()
    }

    /// Reads a flag and its value.
    fn read_flag(&mut self, tokens: &mut Tokens<'_>) -> Result<(), String> {
        let token = tokens.peek(&self.flags);
        let (flag, is_negated) = match &token {
            Token::Long(name) => {
                let named = |name: &str| self.flags.iter().copied().find(|it| it.name == name);
                let negated = || Some((named(name.strip_prefix("no-")?)?, true));
                let found = named(name).map(|flag| (flag, false)).or_else(negated);
                found.ok_or_else(|| format!("unknown long flag '{}'", token.text()))?
            }
            Token::Short(letter) => {
                let mut known = self.flags.iter().copied();
                let found = known.find(|it| it.short == Some(*letter)).map(|flag| (flag, false));
                found.ok_or_else(|| format!("unknown short flag '{}'", token.text()))?
            }
            Token::Argument(_) | Token::End | Token::Error(_) => return Ok(()),
        };
        tokens.next(&self.flags);
        let value = if flag.target.is_switch() {
            if is_negated { "false" } else { "true" }.to_owned()
        } else if is_negated {
            let text = token.text();
            tokens.push(token);
            return Err(format!("unknown long flag '{text}'"));
        } else {
            match tokens.peek(&self.flags) {
                Token::Argument(value) => {
                    tokens.next(&self.flags);
                    value
                }
                Token::Short(_) | Token::Long(_) | Token::End | Token::Error(_) => {
                    return Err(format!("expected argument for flag '{}'", token.text()));
                }
            }
        };
        self.elements.push(Element::Flag(flag, value));
        Ok(())
    }
}

fn names(commands: &[Command]) -> Vec<&'static str> {
    let names = commands.iter().map(|command| command.name);
    names.collect()
}

/// One word of the command line, or a part of one.
#[derive(Clone, Debug)]
enum Token {
    Short(char),
    Long(String),
    Argument(String),
    Error(String),
    End,
}

impl Token {
    fn text(&self) -> String {
        match self {
            Token::Short(letter) => format!("-{letter}"),
            Token::Long(name) => format!("--{name}"),
            Token::Argument(text) => text.clone(),
            Token::Error(reason) => format!("error: {reason}"),
            Token::End => "<EOL>".to_owned(),
        }
    }
}

struct Tokens<'a> {
    rest: VecDeque<String>,
    /// The next one is the last.
    peeked: Vec<Token>,
    /// Whether `--` lies behind.
    verbatim: bool,
    behind_dashes: bool,
    read_file: ReadFile<'a>,
}

impl Tokens<'_> {
    fn peek(&mut self, flags: &[&'static Flag]) -> Token {
        if self.peeked.is_empty() {
            let token = self.read(flags);
            self.peeked.push(token);
        }
        self.peeked.last().cloned().unwrap_or(Token::End)
    }

    fn next(&mut self, flags: &[&'static Flag]) -> Token {
        self.peeked.pop().unwrap_or_else(|| self.read(flags))
    }

    fn push(&mut self, token: Token) {
        self.peeked.push(token);
    }

    fn read(&mut self, flags: &[&'static Flag]) -> Token {
        loop {
            let Some(word) = self.rest.pop_front() else { return Token::End };
            self.verbatim |= self.behind_dashes;
            if self.verbatim {
                return Token::Argument(word);
            }
            if word == "--" {
                self.behind_dashes = true;
                continue;
            }
            if let Some(long) = word.strip_prefix("--") {
                let (name, value) =
                    long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                if let Some(value) = value {
                    self.peeked.push(Token::Argument(value.to_owned()));
                }
                return Token::Long(name.to_owned());
            }
            if let Some(short) = word.strip_prefix('-') {
                return self.read_short(short, flags);
            }
            let Some(path) = word.strip_prefix('@') else { return Token::Argument(word) };
            match self.lines(path) {
                Err(reason) => return Token::Error(reason),
                Ok(lines) => lines.into_iter().rev().for_each(|line| self.rest.push_front(line)),
            }
        }
    }

    /// What is behind a single dash: `-v`, `-vq`, `-ojson`.
    fn read_short(&mut self, word: &str, flags: &[&'static Flag]) -> Token {
        let mut letters = word.chars();
        let Some(letter) = letters.next() else { return Token::Argument(String::new()) };
        let rest = letters.as_str();
        let known = flags.iter().find(|flag| flag.short == Some(letter));
        if !rest.is_empty() {
            match known {
                Some(flag) if !flag.target.is_switch() => {
                    self.peeked.push(Token::Argument(rest.to_owned()));
                }
                _ => self.rest.push_front(format!("-{rest}")),
            }
        }
        Token::Short(letter)
    }

    fn lines(&self, path: &str) -> Result<Vec<String>, String> {
        if path.is_empty() {
            return Err("expected @ file to expand arguments from".to_owned());
        }
        let text = (self.read_file)(path).map_err(|reason| {
            let path = bellwether_model::quote::quoted(path);
            format!("failed to open arguments file {path}: {reason}")
        })?;
        let counts = |line: &&str| !line.starts_with('#') && !line.trim().is_empty();
        Ok(text.lines().filter(counts).map(str::to_owned).collect())
    }
}
