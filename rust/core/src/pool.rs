//! A few reusable values, handed out without ever waiting.

use std::sync::Mutex;

/// How many values are kept.
const SLOTS: usize = 16;

/// Keeps up to 16 values for reuse. A slot that is in use, or whose lock
/// was held by another thread at the moment of a `fork` and will never be
/// released in the child, is passed over: taking a value cannot block.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    slots: [Mutex<Option<T>>; SLOTS],
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Pool { slots: std::array::from_fn(|_| Mutex::new(None)) }
    }
}

impl<T> Pool<T> {
    /// Runs `work` with a kept value, or with one that `make` makes.
    pub(crate) fn with<R>(&self, make: impl FnOnce() -> T, work: impl FnOnce(&mut T) -> R) -> R {
        let kept = self.slots.iter().find_map(|slot| slot.try_lock().ok()?.take());
        let mut value = kept.unwrap_or_else(make);
        let result = work(&mut value);
        for slot in &self.slots {
            if let Ok(mut slot) = slot.try_lock()
                && slot.is_none()
            {
                *slot = Some(value);
                break;
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_nested_uses_get_their_own() {
        let pool = Pool::default();
        pool.with(|| 1, |value| *value += 1);
        let seen = pool.with(|| 10, |outer| (*outer, pool.with(|| 20, |inner| *inner)));
        assert_eq!(seen, (2, 20));
    }
}
