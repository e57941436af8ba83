//! What unit tests share.

/// How many cases a property test runs: `usual`, times the environment
/// variable `TOKENSEAM_CASES` where it is set.
pub(crate) fn cases(usual: u32) -> u32 {
    let factor = std::env::var("TOKENSEAM_CASES").ok().and_then(|text| text.parse().ok());
    usual.saturating_mul(factor.unwrap_or(1))
}
