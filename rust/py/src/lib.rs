//! Python bindings of tokenseam.
