//! How do files, inline texts and renders come together?
//!
//! [`Templates`] holds what the files define. An inline text is prepared once: parsed, joined with
//! the definitions as they are then, and for HTML escaped. A [`Prepared`] text can be rendered any
//! number of times, from any thread.

use std::any::Any;
use std::sync::Arc;

use crate::builtin::BUILTINS;
use crate::error::Error;
use crate::html;
use crate::limits::{Interrupt, Limits, ParseLimits};
use crate::parse::parse;
use crate::parse::parser::Known;
use crate::parse::tree::{Definitions, Form, Template};
use crate::render::listing::Listing;
use crate::render::{render, render_listing};
use crate::value::{Function, Value};

/// A set of definitions and the functions that they may use.
#[derive(Clone)]
pub struct Templates {
    functions: Arc<Known>,
    definitions: Definitions,
    limits: ParseLimits,
}

/// An inline text that is ready to be rendered.
#[derive(Clone)]
pub struct Prepared {
    /// The text itself, or why its HTML cannot be escaped: that is an error of the render.
    template: Result<Arc<Template>, Error>,
    definitions: Arc<Definitions>,
}

// === impl Templates ===

impl Templates {
    /// No definitions yet. Functions of the host win over the language's own of the same name.
    pub fn new(functions: impl IntoIterator<Item = &'static Function>) -> Self {
        let mut known: Known =
            BUILTINS.iter().map(|(function, form)| (function.name, (function, *form))).collect();
        known
            .extend(functions.into_iter().map(|function| (function.name, (function, Form::Plain))));
        Self {
            functions: Arc::new(known),
            definitions: Definitions::new(),
            limits: ParseLimits::default(),
        }
    }

    pub fn with_limits(self, limits: ParseLimits) -> Self {
        Self { limits, ..self }
    }

    /// Adds what a file defines; the file itself is a definition by its name.
    ///
    /// Later definitions replace earlier ones, unless they are empty.
    pub fn parse(&mut self, name: &str, text: &str) -> Result<(), Error> {
        for template in parse(name, text, &self.functions, self.limits)? {
            define(&mut self.definitions, template);
        }
        Ok(())
    }

    /// Readies an inline text for rendering as plain text.
    pub fn prepare(&self, text: &str) -> Result<Prepared, Error> {
        let (template, definitions) = self.join(text)?;
        Ok(Prepared { template: Ok(template), definitions: Arc::new(definitions) })
    }

    /// Readies an inline text for rendering as HTML, with values escaped for where they stand.
    ///
    /// HTML that cannot be escaped is an error of the render, not of this.
    pub fn prepare_html(&self, text: &str) -> Result<Prepared, Error> {
        let (template, definitions) = self.join(text)?;
        let (template, definitions) = match html::escape(&template, &definitions) {
            Ok((template, escaped)) => (Ok(template), escaped),
            Err(error) => (Err(error), definitions),
        };
        Ok(Prepared { template, definitions: Arc::new(definitions) })
    }

    fn join(&self, text: &str) -> Result<(Arc<Template>, Definitions), Error> {
        let mut definitions = self.definitions.clone();
        let mut inline = None;
        for template in parse("", text, &self.functions, self.limits)? {
            if template.name.is_empty() {
                let template = Arc::new(template);
                definitions.insert(template.name.clone(), template.clone());
                inline = Some(template);
            } else {
                define(&mut definitions, template);
            }
        }
        Ok((inline.expect("a text is a definition itself"), definitions))
    }
}

// === impl Prepared ===

impl Prepared {
    /// The text for this data. The host is handed to the functions that ask for it.
    pub fn render(&self, data: &Value, host: &dyn Any, limits: Limits) -> Result<String, Error> {
        self.render_unless(data, host, limits, &|| None)
    }

    /// As [`Prepared::render`]; ends with an error of kind `Limit` once `interrupt` has a reason.
    pub fn render_unless(
        &self,
        data: &Value,
        host: &dyn Any,
        limits: Limits,
        interrupt: Interrupt<'_>,
    ) -> Result<String, Error> {
        let template = self.template.as_ref().map_err(Clone::clone)?;
        render(&self.definitions, template, data, host, limits, interrupt)
    }

    /// As [`Prepared::render_unless`]; the result knows which parts of it list objects of the type `of`,
    /// each of them the output of one round of a loop.
    pub fn render_listing(
        &self,
        data: &Value,
        host: &dyn Any,
        limits: Limits,
        interrupt: Interrupt<'_>,
        of: &'static str,
    ) -> Result<Listing, Error> {
        let template = self.template.as_ref().map_err(Clone::clone)?;
        render_listing(&self.definitions, template, data, host, limits, interrupt, of)
    }
}

fn define(definitions: &mut Definitions, template: Template) {
    let replaces = !template.body.is_empty() || !definitions.contains_key(&template.name);
    if replaces {
        definitions.insert(template.name.clone(), Arc::new(template));
    }
}
