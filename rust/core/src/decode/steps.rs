//! Hugging Face's decoder steps.

use crate::error::LoadError;
use crate::normalize::Growth;
use crate::spec::{Decoder, PrependScheme};

/// How the steps of a file are carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Joining what each token contributes is nearly all there is to it.
    Join(Join),
    /// The steps look at more than one token at a time: they are run one after
    /// the other over all tokens.
    Steps,
}

/// What there is besides joining.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Join {
    /// The first token contributes something else (`Metaspace`).
    pub(super) first_differs: bool,
    /// Up to so many copies of a character are taken off at the start.
    pub(super) strip: Option<(char, usize)>,
}

/// One item of the list that the steps work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text, or bytes.
    Bytes(Vec<u8>),
    /// A byte token that `ByteFallback` has seen.
    Byte(u8),
}

impl Piece {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        match self {
            Piece::Bytes(bytes) => bytes,
            Piece::Byte(byte) => vec![byte],
        }
    }
}

/// Refuses steps that can blow a text up.
pub(super) fn check(steps: &[Decoder]) -> Result<(), LoadError> {
    let mut growth = Growth::new();
    for (index, step) in steps.iter().enumerate() {
        let place = || format!("decoders[{index}]");
        match step {
            Decoder::Replace { from, .. } if from.is_empty() => {
                return Err(LoadError::Unsupported {
                    place: place(),
                    what: "replacing the empty string".to_owned(),
                    advice: String::new(),
                });
            }
            Decoder::Replace { from, to } => {
                growth.replace(Some(from.as_bytes()), to.as_bytes(), &place())?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether joining will do. It does if no step before `Fuse` sees what
/// `ByteFallback` made of several tokens, and if after `Fuse` only a `Strip`
/// at the start follows.
pub(super) fn plan(steps: &[Decoder]) -> Plan {
    let fuse = steps.iter().position(|step| *step == Decoder::Fuse);
    let (before, after) = match fuse {
        Some(at) => (steps.get(..at).unwrap_or(&[]), steps.get(at + 1..).unwrap_or(&[])),
        None => (steps, [].as_slice()),
    };
    let mut join = Join::default();
    for (index, step) in before.iter().enumerate() {
        let last = index + 1 == before.len();
        match step {
            Decoder::ByteFallback if !last => return Plan::Steps,
            Decoder::Metaspace { replacement, prepend } if *prepend != PrependScheme::Never => {
                // A byte token's spelling must not lose a character.
                if replacement.is_ascii() || join.first_differs {
                    return Plan::Steps;
                }
                join.first_differs = true;
            }
            _ => {}
        }
    }
    match after {
        [] => {}
        [Decoder::Strip { content, start, stop: 0 }] => join.strip = Some((*content, *start)),
        _ => return Plan::Steps,
    }
    Plan::Join(join)
}

/// What the steps before `Fuse` make of one token.
pub(super) fn surface(steps: &[Decoder], token: &[u8], first: bool) -> Piece {
    let mut bytes = token.to_vec();
    for step in steps {
        match step {
            Decoder::Fuse => break,
            Decoder::ByteFallback => {
                if let Some(byte) = byte_of(&bytes) {
                    return Piece::Byte(byte);
                }
            }
            step => bytes = alone(step, bytes, first),
        }
    }
    Piece::Bytes(bytes)
}

/// Runs the steps over a list of tokens and joins it. `raw` keeps the bytes of
/// byte tokens; otherwise runs of them that are not UTF-8 become one U+FFFD
/// each.
pub(super) fn run(steps: &[Decoder], mut pieces: Vec<Piece>, raw: bool) -> Vec<u8> {
    for step in steps {
        pieces = match step {
            Decoder::Fuse => vec![Piece::Bytes(concat(pieces))],
            Decoder::ByteFallback => fall_back(pieces, raw),
            step => pieces
                .into_iter()
                .enumerate()
                .map(|(index, piece)| Piece::Bytes(alone(step, piece.into_bytes(), index == 0)))
                .collect(),
        };
    }
    concat(pieces)
}

fn concat(pieces: Vec<Piece>) -> Vec<u8> {
    pieces.into_iter().flat_map(Piece::into_bytes).collect()
}

fn fall_back(pieces: Vec<Piece>, raw: bool) -> Vec<Piece> {
    let mut out = Vec::with_capacity(pieces.len());
    let mut bytes: Vec<u8> = Vec::new();
    let end = |bytes: &mut Vec<u8>, out: &mut Vec<Piece>| {
        let count = bytes.len();
        if count == 0 {
            return;
        }
        let run = std::mem::take(bytes);
        if raw || std::str::from_utf8(&run).is_ok() {
            out.push(Piece::Bytes(run));
        } else {
            let replaced = Piece::Bytes("\u{FFFD}".as_bytes().to_vec());
            out.extend(std::iter::repeat_n(replaced, count));
        }
    };
    for piece in pieces {
        let piece = piece.into_bytes();
        if let Some(byte) = byte_of(&piece) {
            bytes.push(byte);
        } else {
            end(&mut bytes, &mut out);
            out.push(Piece::Bytes(piece));
        }
    }
    end(&mut bytes, &mut out);
    out
}

/// A step that looks at one token at a time.
fn alone(step: &Decoder, token: Vec<u8>, first: bool) -> Vec<u8> {
    match step {
        Decoder::ByteFallback | Decoder::Fuse => token,
        Decoder::Replace { from, to } => replace(token, from.as_bytes(), to.as_bytes()),
        Decoder::Strip { content, start, stop } => strip(token, *content, *start, *stop),
        Decoder::Metaspace { replacement, prepend } => {
            let space: &[u8] = if first && *prepend != PrependScheme::Never { b"" } else { b" " };
            replace(token, replacement.encode_utf8(&mut [0; 4]).as_bytes(), space)
        }
    }
}

fn replace(token: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(token.len());
    let mut done = 0;
    for at in memchr::memmem::find_iter(&token, from) {
        out.extend_from_slice(token.get(done..at).unwrap_or(&[]));
        out.extend_from_slice(to);
        done = at + from.len();
    }
    if done == 0 {
        return token;
    }
    out.extend_from_slice(token.get(done..).unwrap_or(&[]));
    out
}

fn strip(mut token: Vec<u8>, content: char, start: usize, stop: usize) -> Vec<u8> {
    let mut buffer = [0; 4];
    let content = content.encode_utf8(&mut buffer).as_bytes();
    let mut rest = token.as_slice();
    for _ in 0..stop {
        match rest.strip_suffix(content) {
            Some(shorter) => rest = shorter,
            None => break,
        }
    }
    let end = rest.len();
    token.truncate(end);
    let from = copies(&token, content, start);
    token.drain(..from);
    token
}

/// How many bytes up to `most` copies of `content` take at the start.
fn copies(text: &[u8], content: &[u8], most: usize) -> usize {
    let mut rest = text;
    for _ in 0..most {
        match rest.strip_prefix(content) {
            Some(shorter) => rest = shorter,
            None => break,
        }
    }
    text.len() - rest.len()
}

/// How many bytes [`Join::strip`] takes off this text.
pub(super) fn leading(text: &[u8], strip: Option<(char, usize)>) -> usize {
    strip.map_or(0, |(content, most)| {
        copies(text, content.encode_utf8(&mut [0; 4]).as_bytes(), most)
    })
}

/// Ends a run of byte tokens: its text, or one U+FFFD a byte.
pub(super) fn end_run(run: &mut Vec<u8>, out: &mut Vec<u8>) {
    if std::str::from_utf8(run).is_ok() {
        out.extend_from_slice(run);
    } else {
        for _ in 0..run.len() {
            out.extend_from_slice("\u{FFFD}".as_bytes());
        }
    }
    run.clear();
}

/// The byte that a token such as `<0x0A>` stands for.
///
/// Hugging Face's reading of the two characters is Rust's for a number in
/// base 16, which takes a sign for the first digit.
pub(super) fn byte_of(token: &[u8]) -> Option<u8> {
    let digits = token.strip_prefix(b"<0x")?.strip_suffix(b">")?;
    if digits.len() != 2 {
        return None;
    }
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
