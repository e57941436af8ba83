//! Python bindings of tokenseam: converts, releases the GIL, calls the core.

mod arrow;
mod convert;
mod error;
mod spec;
mod stream;
mod tokenizer;

use pyo3::prelude::*;

/// The compiled engine. Use it through the names in `tokenseam`.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::arrow::export_lists;
    #[pymodule_export]
    use super::spec::PySpec;
    #[pymodule_export]
    use super::stream::PyStreamDecoder;
    #[pymodule_export]
    use super::tokenizer::PyTokenizer;
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
