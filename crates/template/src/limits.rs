//! How much may one template cost?
//!
//! Templates can loop, call themselves and double a text at each step. Each way to take more than
//! its share has a limit here, and reaching one is an error of kind `Limit` that names it.

/// Limits of one render.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Limit: steps of a render. A node, a command and a round of a loop are one step each;
    /// functions that return much cost more.
    pub steps: u64,
    /// Limit: how deeply blocks, calls of templates and parentheses may be nested at run time.
    /// It bounds the stack: do not raise it without measuring.
    pub depth: usize,
    /// Limit: bytes of the output, and of any text on the way to it.
    pub output_bytes: usize,
}

/// Asked every [`INTERRUPT_STEPS`] steps of a render whether it is to end; what it returns is the
/// reason. Steps bound how much a template does, this bounds how long it may take: the caller has the
/// clock.
pub type Interrupt<'a> = &'a dyn Fn() -> Option<String>;

/// Few enough that a render ends soon, and enough that asking for the time costs next to nothing.
pub(crate) const INTERRUPT_STEPS: u64 = 16;

/// Limits of the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseLimits {
    /// Limit: bytes of one template text.
    pub text_bytes: usize,
    /// Limit: how deeply blocks and parentheses may be nested.
    pub nesting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 5_000_000, depth: 200, output_bytes: 32 << 20 }
    }
}

impl Default for ParseLimits {
    fn default() -> Self {
        Self { text_bytes: 4 << 20, nesting: 100 }
    }
}

/// Limit: how deeply lists and maps that a template builds may be nested in each other.
pub(crate) const VALUE_NESTING_MAX: usize = 64;

#[cfg(test)]
mod tests;
