//! Asking for memory before it is needed.

/// How many things are asked for before the first is looked at.
pub(crate) const AHEAD: usize = 64;

/// Asks the processor to fetch a value that will be read soon.
#[inline(always)]
pub(crate) fn prefetch<T>(value: Option<&T>) {
    #[cfg(target_arch = "x86_64")]
    if let Some(value) = value {
        // SAFETY: a prefetch reads nothing and faults on nothing, and the
        // pointer comes from a live reference.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
