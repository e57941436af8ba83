//! File formats to [`Spec`](crate::Spec).
