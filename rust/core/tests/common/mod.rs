//! What the integration tests share.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub(crate) mod fixtures;

use std::io::Read;
use std::path::{Path, PathBuf};

/// The folder of shared reference data: `TOKENSEAM_SHARED`, else `../shared`
/// from the repository's root. Without it tests that need it are skipped,
/// unless `TOKENSEAM_REQUIRE_SHARED=1`.
pub(crate) fn shared() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("TOKENSEAM_SHARED").map_or(root, PathBuf::from);
    if folder.join("data/vocab").is_dir() {
        return Some(folder);
    }
    let required = std::env::var("TOKENSEAM_REQUIRE_SHARED").is_ok_and(|value| value == "1");
    assert!(!required, "no reference data in {}", folder.display());
    eprintln!("skipped: no reference data in {}; set TOKENSEAM_SHARED", folder.display());
    None
}

/// The content of a gzipped file.
pub(crate) fn read_gz(path: &Path) -> Vec<u8> {
    let mut content = Vec::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::GzDecoder::new(file).read_to_end(&mut content).unwrap();
    content
}
