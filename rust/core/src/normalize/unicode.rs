//! Unicode normalization forms, lower-casing and accents.
//!
//! The tables are those of the crate `unicode-normalization-alignments`,
//! which Hugging Face tokenizers uses: Unicode 9.0. Newer tables compose and
//! reorder characters that these do not know, and would give other ids.

use std::sync::LazyLock;

use unicode_normalization_alignments::char::{
    canonical_combining_class, compose, decompose_canonical, decompose_compatible,
    is_combining_mark,
};
use unicode_normalization_alignments::{
    IsNormalized, is_nfc_quick, is_nfd_quick, is_nfkc_quick, is_nfkd_quick,
};

use super::edit::{Edits, for_each_valid};

/// A normalization form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
}

impl Form {
    fn composes(self) -> bool {
        matches!(self, Form::Nfc | Form::Nfkc)
    }

    fn compatible(self) -> bool {
        matches!(self, Form::Nfkc | Form::Nfkd)
    }

    fn inert(self) -> &'static Inert {
        static TABLES: [LazyLock<Inert>; 4] = [
            LazyLock::new(|| Inert::new(Form::Nfc)),
            LazyLock::new(|| Inert::new(Form::Nfd)),
            LazyLock::new(|| Inert::new(Form::Nfkc)),
            LazyLock::new(|| Inert::new(Form::Nfkd)),
        ];
        let [nfc, nfd, nfkc, nfkd] = &TABLES;
        match self {
            Form::Nfc => nfc,
            Form::Nfd => nfd,
            Form::Nfkc => nfkc,
            Form::Nfkd => nfkd,
        }
    }

    fn is_inert(self, character: char) -> bool {
        if canonical_combining_class(character) != 0 {
            return false;
        }
        let one = std::iter::once(character);
        let check = match self {
            Form::Nfc => is_nfc_quick(one),
            Form::Nfd => is_nfd_quick(one),
            Form::Nfkc => is_nfkc_quick(one),
            Form::Nfkd => is_nfkd_quick(one),
        };
        check == IsNormalized::Yes
    }
}

/// The first code point that no table knows and no form changes: the planes
/// from 3 on have neither decompositions nor combining marks.
const END: u32 = 0x3_0000;

/// One bit a code point: whether it is a starter that the form leaves alone
/// and that joins nothing before it. A text can be cut in front of it.
struct Inert(Vec<u64>);

impl Inert {
    fn new(form: Form) -> Inert {
        let word = |word: u32| {
            (0..64).fold(0, |bits, bit| {
                let inert = char::from_u32(word * 64 + bit).is_none_or(|c| form.is_inert(c));
                bits | (u64::from(inert) << bit)
            })
        };
        Inert((0..END / 64).map(word).collect())
    }

    #[inline]
    fn has(&self, character: char) -> bool {
        let code = u32::from(character);
        let word = self.0.get(crate::ids::widen(code / 64));
        word.is_none_or(|word| word >> (code % 64) & 1 == 1)
    }
}

/// Brings every valid run of the text into a normalization form.
pub(super) fn normalize(form: Form, edits: &mut Edits<'_>) {
    let inert = form.inert();
    for_each_valid(edits.text(), |run, base| {
        // The last place before which the text may be cut.
        let mut cut = 0;
        let mut at = 0;
        while let Some((position, character)) = next_of_interest(run, at) {
            if inert.has(character) {
                cut = position;
                at = position + character.len_utf8();
                continue;
            }
            if position > at {
                // An ASCII character stands right before.
                cut = position - 1;
            }
            let rest = run.get(position..).unwrap_or("");
            let end = rest.char_indices().find(|(_, next)| inert.has(*next));
            let end = position + end.map_or(rest.len(), |(length, _)| length);
            cluster(form, run.get(cut..end).unwrap_or(""), base + cut, edits);
            cut = end;
            at = end;
        }
    });
}

/// The next character that is not ASCII, and where it is.
fn next_of_interest(text: &str, from: usize) -> Option<(usize, char)> {
    let bytes = text.as_bytes().get(from..)?;
    let mut skipped = 0;
    while let Some(word) = bytes.get(skipped..skipped + 16) {
        if !word.is_ascii() {
            break;
        }
        skipped += 16;
    }
    let rest = bytes.get(skipped..)?;
    let position = from + skipped + rest.iter().position(|byte| !byte.is_ascii())?;
    Some((position, text.get(position..)?.chars().next()?))
}

/// A character of a decomposition.
#[derive(Clone, Copy)]
struct Piece {
    character: char,
    class: u8,
    /// The range in the text it was made from.
    source: (usize, usize),
    /// Hugging Face's count: 1 for an inserted character, 0 for one that
    /// stands for one of the text, `-n` for one that stands for `n` more.
    change: isize,
}

/// Normalizes one cluster, which starts at `base` of the text.
fn cluster(form: Form, text: &str, base: usize, edits: &mut Edits<'_>) {
    let mut pieces = decompose(form, text, base);
    if form.composes() {
        recompose(&mut pieces);
    }
    if pieces.iter().map(|piece| piece.character).eq(text.chars()) {
        return;
    }
    edits.cut(base, base + text.len());
    let mut old = text.chars();
    let mut offset = base;
    for piece in pieces {
        let mut anchor = None;
        if edits.leads() {
            if piece.change > 0 {
                anchor = offset.checked_sub(1);
            } else {
                anchor = Some(offset);
                let replaced = old.by_ref().take(1 + piece.change.unsigned_abs());
                offset += replaced.map(char::len_utf8).sum::<usize>();
            }
        }
        let mut buffer = [0; 4];
        let bytes = piece.character.encode_utf8(&mut buffer).as_bytes();
        let (start, end) = piece.source;
        if edits.text().get(start..end) == Some(bytes) {
            // The character itself: each byte comes from its own.
            for (at, byte) in (start..end).zip(bytes.chunks(1)) {
                edits.put(byte, (at, at + 1), anchor);
            }
        } else {
            edits.put(bytes, piece.source, anchor);
        }
    }
}

fn decompose(form: Form, text: &str, base: usize) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::with_capacity(text.len());
    for (start, character) in text.char_indices() {
        let source = (base + start, base + start + character.len_utf8());
        let mut change = 0;
        let emit = |character: char| {
            let class = canonical_combining_class(character);
            pieces.push(Piece { character, class, source, change });
            change = 1;
        };
        if form.compatible() {
            decompose_compatible(character, emit);
        } else {
            decompose_canonical(character, emit);
        }
    }
    for marks in pieces.chunk_by_mut(|_, next| next.class != 0) {
        let starter = usize::from(marks.first().is_some_and(|piece| piece.class == 0));
        // Stable: marks of one class keep their order.
        marks.get_mut(starter..).unwrap_or(&mut []).sort_by_key(|piece| piece.class);
    }
    pieces
}

/// Canonical composition in place.
fn recompose(pieces: &mut Vec<Piece>) {
    let mut starter: Option<usize> = None;
    // The class of the last mark kept since the starter.
    let mut last: Option<u8> = None;
    let mut kept = 0;
    for index in 0..pieces.len() {
        let Some(piece) = pieces.get(index).copied() else { break };
        let joined = starter.and_then(|at| {
            let blocked = last.is_some_and(|class| class >= piece.class);
            let first = pieces.get_mut(at).filter(|_| !blocked)?;
            first.character = compose(first.character, piece.character)?;
            first.change += piece.change - 1;
            let (start, end) = piece.source;
            first.source = (first.source.0.min(start), first.source.1.max(end));
            Some(())
        });
        if joined.is_some() {
            continue;
        }
        if piece.class == 0 {
            starter = Some(kept);
            last = None;
        } else if starter.is_some() {
            last = Some(piece.class);
        }
        if let Some(slot) = pieces.get_mut(kept) {
            *slot = piece;
        }
        kept += 1;
    }
    pieces.truncate(kept);
}

/// Lower-cases character by character (no final-sigma rule).
pub(super) fn lowercase(edits: &mut Edits<'_>) {
    for_each_valid(edits.text(), |run, base| {
        for (start, character) in run.char_indices() {
            if character.is_ascii() {
                if character.is_ascii_uppercase() {
                    let at = base + start;
                    edits.cut(at, at + 1);
                    let lower = character.to_ascii_lowercase();
                    edits.put(lower.encode_utf8(&mut [0; 4]).as_bytes(), (at, at + 1), Some(at));
                }
                continue;
            }
            let lower = character.to_lowercase();
            if lower.clone().eq(std::iter::once(character)) {
                continue;
            }
            let (start, end) = (base + start, base + start + character.len_utf8());
            edits.cut(start, end);
            for (index, character) in lower.enumerate() {
                let anchor = if index == 0 { start } else { end - 1 };
                let bytes = &mut [0; 4];
                let bytes = character.encode_utf8(bytes).as_bytes();
                edits.put(bytes, (start, end), Some(anchor));
            }
        }
    });
}

/// Removes combining marks; does not decompose first.
pub(super) fn strip_accents(edits: &mut Edits<'_>) {
    for_each_valid(edits.text(), |run, base| {
        let mut at = 0;
        while let Some((position, character)) = next_of_interest(run, at) {
            at = position + character.len_utf8();
            if is_combining_mark(character) {
                edits.cut(base + position, base + at);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn planes_from_the_third_on_are_inert() {
        for code in END..=0x10_FFFF {
            let character = char::from_u32(code).unwrap();
            for form in [Form::Nfc, Form::Nfd, Form::Nfkc, Form::Nfkd] {
                assert!(form.is_inert(character), "{code:x} {form:?}");
            }
        }
    }
}
