//! Lists of blocks in which a null makes no sense.

use crate::block::{BlockReader, FieldValue};
use crate::yaml::{NodeId, Tree};

/// `message` is the error for a null.
pub(crate) struct Required<'a, T> {
    pub list: &'a mut Vec<T>,
    pub message: &'static str,
}

impl<T: FieldValue + Default> FieldValue for Required<'_, T> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        self.list.clear();
        for (index, item) in reader.items(node).unwrap_or_default().iter().enumerate() {
            let mut value = T::default();
            reader.within(&format!("[{index}]"), |reader| {
                reader.fill_required(&mut value, *item, self.message);
            });
            self.list.push(value);
        }
    }

    fn clear(&mut self) {
        self.list.clear();
    }

    fn is_empty(&mut self) -> bool {
        self.list.is_empty()
    }

    fn tree(&mut self) -> Tree {
        FieldValue::tree(self.list)
    }
}
