//! The engine of tokenseam: exact byte-pair encoding on every real
//! vocabulary, and the types that everything else stands on.
//!
//! The crate knows no Python. A guided tour, in the order in which a text
//! passes through:
//!
//! | module | what it does |
//! | --- | --- |
//! | [`spec`] | a tokenizer as plain data: the currency of load, train, save |
//! | [`load`], [`save`] | file formats to and from [`Spec`] |
//! | [`special`] | special and added tokens, cut out of the text first |
//! | [`normalize`] | text to text, with alignments back to the source |
//! | [`split`] | text to pre-tokens: scanners for known patterns, engines for others |
//! | `bpe` | a pre-token to ids |
//! | [`vocab`] | ids to bytes and back |
//! | [`decode`] | ids to text, whole or streamed |
//! | [`tokenizer`] | the pipeline: the one front type |
//! | [`ragged`], [`batch`] | many sequences in two buffers, on many threads |
//! | [`rng`] | random streams keyed by seed, epoch and sample |
//! | [`ids`], [`error`] | token ids, integer casts; one error enum a phase |

pub mod batch;
mod bpe;
pub mod decode;
pub mod error;
pub mod ids;
pub mod load;
pub mod normalize;
mod outline;
mod pool;
pub mod ragged;
pub mod rng;
pub mod save;
pub mod spec;
mod spec_bytes;
mod spec_check;
pub mod special;
pub mod split;
#[cfg(test)]
mod testing;
pub mod tokenizer;
pub mod vocab;

pub use ids::TokenId;
pub use ragged::Ragged;
pub use spec::Spec;
pub use tokenizer::Tokenizer;
