//! stub
use crate::error::Error;
use crate::parse::tree::Template;
use crate::print::Sink;
use crate::render::Definitions;
use crate::value::Value;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    Css,
    Html,
    HtmlAttribute,
    Js,
    JsString,
    Url,
    Srcset,
}
impl Trust {
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Css => "template.CSS",
            Self::Html => "template.HTML",
            Self::HtmlAttribute => "template.HTMLAttr",
            Self::Js => "template.JS",
            Self::JsString => "template.JSStr",
            Self::Url => "template.URL",
            Self::Srcset => "template.Srcset",
        }
    }
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escaper {
    Html,
}
pub(crate) fn write_escaped(_s: &mut Sink, _v: &Value, _e: &[Escaper]) {}
pub(crate) fn escape(
    t: &Arc<Template>,
    d: &Definitions,
) -> Result<(Arc<Template>, Definitions), Error> {
    Ok((t.clone(), d.clone()))
}
