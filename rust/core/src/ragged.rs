//! A batch of sequences: one values buffer and one offsets buffer.

use crate::ids::offset;

/// Sequences of different lengths, stored back to back. Sequence `i` is
/// `values[offsets[i]..offsets[i + 1]]`; `offsets` has one entry more than
/// there are sequences and starts at 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ragged<T = u32> {
    values: Vec<T>,
    offsets: Vec<i64>,
}

impl<T> Default for Ragged<T> {
    fn default() -> Self {
        Ragged { values: Vec::new(), offsets: vec![0] }
    }
}

impl<T> Ragged<T> {
    /// An empty batch with room for `sequences` and `values`.
    pub fn with_capacity(sequences: usize, values: usize) -> Self {
        let mut offsets = Vec::with_capacity(sequences + 1);
        offsets.push(0);
        Ragged { values: Vec::with_capacity(values), offsets }
    }

    /// The number of sequences.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no sequence.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All values back to back.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Where each sequence starts, and the end of the last.
    pub fn offsets(&self) -> &[i64] {
        &self.offsets
    }

    /// Sequence `index`, if there is one.
    #[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation)]
    pub fn get(&self, index: usize) -> Option<&[T]> {
        let start = *self.offsets.get(index)? as usize;
        let end = *self.offsets.get(index + 1)? as usize;
        self.values.get(start..end)
    }

    /// The sequences in order.
    pub fn iter(&self) -> impl Iterator<Item = &[T]> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Appends one sequence: whatever `fill` appends to the buffer it is
    /// given. When it fails, the batch is as before.
    pub fn push_with<E>(
        &mut self,
        fill: impl FnOnce(&mut Vec<T>) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.values.len();
        let outcome = fill(&mut self.values);
        debug_assert!(self.values.len() >= start);
        match outcome {
            Ok(()) => self.offsets.push(offset(self.values.len())),
            Err(_) => self.values.truncate(start),
        }
        outcome
    }

    /// The two buffers.
    pub fn into_parts(self) -> (Vec<T>, Vec<i64>) {
        (self.values, self.offsets)
    }
}

impl<T: Clone> Ragged<T> {
    /// Appends a sequence.
    pub fn push(&mut self, sequence: &[T]) {
        self.values.extend_from_slice(sequence);
        self.offsets.push(offset(self.values.len()));
    }

    /// Appends all sequences of another batch.
    pub fn append(&mut self, other: &Ragged<T>) {
        let base = offset(self.values.len());
        self.values.extend_from_slice(&other.values);
        self.offsets.extend(other.offsets.iter().skip(1).map(|end| base + end));
    }
}
