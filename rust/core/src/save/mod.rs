//! [`Spec`](crate::Spec) to file formats.
