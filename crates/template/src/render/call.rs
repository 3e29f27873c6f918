//! How is a function called?
//!
//! Arguments are counted, evaluated and checked against the parameters; `and` and `or` stop
//! early. What comes back must stay within the limits: a text within the output's, lists and maps
//! not nested without end, and large results cost steps.

use std::cell::Cell;
use std::sync::Arc;

use super::{Here, Machine, Rendered, Slot};
use crate::limits::VALUE_NESTING_MAX;
use crate::parse::tree::{Form, Word};
use crate::value::{Call, Function, Object, Type, Value};

impl<'a> Machine<'a> {
    pub(super) fn call(
        &mut self,
        dot: &Slot,
        function: &'static Function,
        form: Form,
        node: Here<'a>,
        words: &'a [Word],
        last: Option<Slot>,
    ) -> Rendered<Slot> {
        self.count_arguments(function, words.len(), last.is_some())?;
        if let Some(stop) = form.stops_at() {
            return self.short_circuit(dot, stop, words, last);
        }
        let arguments = self.arguments(dot, function, words, last)?;
        if form == Form::Call {
            let shown = match (words.first(), arguments.first()) {
                (Some(word), _) => word.to_string(),
                (None, Some(Value::Text(text))) => text.to_str().into_owned(),
                (None, other) => {
                    let value = other.unwrap_or(&Value::Nil);
                    format!("<{} Value>", value.type_name())
                }
            };
            return self.call_value(&shown, &arguments, node);
        }
        self.perform(function, None, &arguments, node)
    }

    pub(super) fn call_method(
        &mut self,
        dot: &Slot,
        receiver: &Arc<dyn Object>,
        method: &'static Function,
        node: Here<'a>,
        words: &'a [Word],
        last: Option<Slot>,
    ) -> Rendered<Slot> {
        self.count_arguments(method, words.len(), last.is_some())?;
        let arguments = self.arguments(dot, method, words, last)?;
        self.perform(method, Some(&**receiver), &arguments, node)
    }

    fn count_arguments(&self, function: &Function, words: usize, piped: bool) -> Rendered<()> {
        let given = words + usize::from(piped);
        let wanted = function.parameters.len();
        let name = function.name;
        match function.rest {
            Some(_) if given < wanted => Err(self.error(format!(
                "wrong number of args for {name}: want at least {wanted} got {words}"
            ))),
            None if given != wanted => {
                Err(self
                    .error(format!("wrong number of args for {name}: want {wanted} got {given}")))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn arguments(
        &mut self,
        dot: &Slot,
        function: &'static Function,
        words: &'a [Word],
        last: Option<Slot>,
    ) -> Rendered<Vec<Value>> {
        self.enter()?;
        let mut arguments = Vec::with_capacity(words.len() + 1);
        for (position, word) in words.iter().enumerate() {
            arguments.push(self.argument(dot, parameter(function, position), word)?);
        }
        if let Some(slot) = last {
            arguments.push(self.validate(slot, parameter(function, words.len()))?);
        }
        self.depth -= 1;
        Ok(arguments)
    }

    fn short_circuit(
        &mut self,
        dot: &Slot,
        stop: bool,
        words: &'a [Word],
        last: Option<Slot>,
    ) -> Rendered<Slot> {
        self.enter()?;
        let mut value = Value::Nil;
        let mut stopped = false;
        for word in words {
            value = self.argument(dot, Type::Reflected, word)?;
            stopped = value.is_true() == stop;
            if stopped {
                break;
            }
        }
        self.depth -= 1;
        match last {
            Some(slot) if !stopped => Ok(slot),
            Some(_) | None => Ok(Slot::plain(value)),
        }
    }

    /// `call`: the first argument is the function.
    fn call_value(&mut self, shown: &str, arguments: &[Value], node: Here<'a>) -> Rendered<Slot> {
        let (callee, arguments) = arguments.split_first().unwrap_or((&Value::Nil, &[]));
        let function = match callee {
            Value::Function(function) => *function,
            Value::Nil => return Err(self.failed_call(node, "call", "call of nil")),
            other => {
                let reason = format!("non-function {shown} of type {}", other.type_name());
                return Err(self.failed_call(node, "call", &reason));
            }
        };
        let (given, wanted) = (arguments.len(), function.parameters.len());
        let at_least = if function.rest.is_some() { "at least " } else { "" };
        if given < wanted || (function.rest.is_none() && given > wanted) {
            let reason =
                format!("wrong number of args for {shown}: got {given} want {at_least}{wanted}");
            return Err(self.failed_call(node, "call", &reason));
        }
        for (position, argument) in arguments.iter().enumerate() {
            let wanted = parameter(function, position);
            let reason = match argument {
                Value::Nil if wanted.takes_nil() => continue,
                Value::Nil => format!("value is nil; should be of type {wanted}"),
                _ if wanted.takes(argument) => continue,
                _ => format!("value has type {}; should be {wanted}", argument.type_name()),
            };
            return Err(self.failed_call(node, "call", &format!("arg {position}: {reason}")));
        }
        // Errors of the function itself are those of `call`.
        self.perform_as("call", function, None, arguments, node)
    }

    fn perform(
        &mut self,
        function: &'static Function,
        receiver: Option<&dyn Object>,
        arguments: &[Value],
        node: Here<'a>,
    ) -> Rendered<Slot> {
        self.perform_as(function.name, function, receiver, arguments, node)
    }

    fn perform_as(
        &mut self,
        name: &str,
        function: &'static Function,
        receiver: Option<&dyn Object>,
        arguments: &[Value],
        node: Here<'a>,
    ) -> Rendered<Slot> {
        let call = Call {
            receiver,
            arguments,
            host: self.host,
            text_bytes_max: self.limits.output_bytes,
            too_long: Cell::new(false),
            steps: Cell::new(0),
        };
        let result = (function.body)(&call);
        self.spend(call.steps.get())?;
        if call.too_long.get() {
            return Err(self.output_limit());
        }
        match result {
            Ok(value) => self.admit(value),
            Err(reason) => Err(self.failed_call(node, name, &reason)),
        }
    }

    /// Lets a result in that is within the limits, and takes the steps that it costs.
    fn admit(&mut self, value: Value) -> Rendered<Slot> {
        let size = match &value {
            Value::Text(text) | Value::Trusted(_, text) => {
                if text.len() > self.limits.output_bytes {
                    return Err(self.output_limit());
                }
                text.len() / BYTES_A_STEP
            }
            Value::List(list) => list.items.len(),
            Value::Map(map) => map.len(),
            _ => 0,
        };
        if value.nesting() > VALUE_NESTING_MAX {
            return Err(self.limit(format!(
                "exceeded maximum nesting of lists and maps ({VALUE_NESTING_MAX})"
            )));
        }
        self.spend(u64::try_from(size).unwrap_or(u64::MAX))?;
        // What a function says is nothing is nothing of any type.
        let wrapped = matches!(value, Value::Nil);
        Ok(Slot { value, wrapped })
    }

    fn failed_call(&mut self, node: Here<'a>, name: &str, reason: &str) -> crate::Error {
        self.here = node;
        self.error(format!("error calling {name}: {reason}"))
    }
}

fn parameter(function: &Function, position: usize) -> Type {
    match (function.parameters.get(position), function.rest) {
        (Some(parameter), _) => *parameter,
        (None, Some(rest)) => rest,
        (None, None) => Type::Any,
    }
}

/// Making this many bytes of text costs as much as a step.
const BYTES_A_STEP: usize = 256;
