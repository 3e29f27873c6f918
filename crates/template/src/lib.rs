//! The template language of Go's text/template and html/template.
