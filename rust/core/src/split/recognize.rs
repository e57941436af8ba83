//! Published patterns, in any of their spellings, to families.
//!
//! A pattern is cut at its top-level bars, each alternative is looked up
//! among its known spellings, and the sequence of alternatives names the
//! family. Every entry says why its spellings match the same text there.

use super::family::Family;
use crate::spec::{Dialect, Pattern, PreTokenizer, SplitBehavior};

/// An alternative of a published pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// One of the contractions, case-sensitive.
    Contraction(&'static str),
    /// All contractions, case-sensitive.
    Contractions,
    /// All contractions in any case.
    AnyCaseContractions,
    /// ` ?\p{L}+`
    SpaceLetters,
    /// ` ?\p{N}+`
    SpaceNumbers,
    /// ` ?[^\s\p{L}\p{N}]+`
    SpaceOthers,
    /// `[^\r\n\p{L}\p{N}]?\p{L}+`
    Word,
    /// `[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+`
    WordWithMarks,
    /// `\p{N}`
    OneNumber,
    /// `\p{N}{1,3}`
    ThreeNumbers,
    /// `\p{N}+`
    Numbers,
    /// ` ?[^\s\p{L}\p{N}]+[\r\n]*`
    OthersLines,
    /// ` ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*`
    OthersButMarksLines,
    /// ` ?[^\s\p{L}\p{N}]+[\r\n/]*`
    OthersLinesSlashes,
    /// `\s*[\r\n]+`
    Lines,
    /// `\s+` at the end of the text.
    SpacesAtEnd,
    /// `\s+(?!\S)`
    SpacesButLast,
    /// `\s+` after [`Part::SpacesButLast`].
    Spaces,
    /// The two word alternatives of o200k, tekken and Kimi K2.
    Lower(Suffix),
    Upper(Suffix),
    LowerButHan,
    UpperButHan,
    /// `[\p{Han}]+`
    Hans,
    /// `[一-龥\u{3040}-ゟ゠-ヿ]+`
    IdeographsOrKana,
    /// DeepSeek V3's own.
    PunctuationThenAscii,
    DeepSeekWord,
    PunctuationLines,
}

/// Whether a word takes a contraction along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Suffix {
    Contraction,
    Nothing,
}

/// The family that these steps are, if they are one. Steps that cut nothing
/// ([`PreTokenizer::PrefixSpace`], `Metaspace` without `split`) do not count.
pub(super) fn family(steps: &[&PreTokenizer]) -> Option<Family> {
    match steps {
        [PreTokenizer::Digits { individual: true }, last] => {
            (single(last)? == Family::Gpt2).then_some(Family::StarCoder)
        }
        [only] => single(only),
        [first, second] => {
            use Part::*;
            let [first, second] = [parts(first)?, parts(second)?];
            let expected =
                [AnyCaseContractions, Word, Numbers, OthersLines, Lines, SpacesButLast, Spaces];
            (first == [ThreeNumbers] && second == expected).then_some(Family::MiniCpm5)
        }
        [first, second, third] => {
            use Part::*;
            let [first, second, third] = [parts(first)?, parts(second)?, parts(third)?];
            let expected = [
                PunctuationThenAscii,
                DeepSeekWord,
                PunctuationLines,
                Lines,
                SpacesButLast,
                Spaces,
            ];
            let same = first == [ThreeNumbers] && second == [IdeographsOrKana] && third == expected;
            same.then_some(Family::DeepSeekV3)
        }
        _ => None,
    }
}

fn single(step: &PreTokenizer) -> Option<Family> {
    use Part::*;
    let parts = parts(step)?;
    Some(match parts.as_slice() {
        // At the end of the text `\s+(?!\S)` takes what `\s++$` takes.
        [Contractions, SpaceLetters, SpaceNumbers, SpaceOthers, SpacesButLast, Spaces]
        | [
            Contractions,
            SpaceLetters,
            SpaceNumbers,
            SpaceOthers,
            SpacesAtEnd,
            SpacesButLast,
            Spaces,
        ] => Family::Gpt2,
        [
            AnyCaseContractions,
            Word,
            ThreeNumbers,
            OthersLines,
            SpacesAtEnd,
            Lines,
            SpacesButLast,
            Spaces,
        ] => Family::Cl100k,
        [AnyCaseContractions, Word, ThreeNumbers, OthersLines, Lines, SpacesButLast, Spaces] => {
            Family::Llama3
        }
        [AnyCaseContractions, Word, OneNumber, OthersLines, Lines, SpacesButLast, Spaces] => {
            Family::Qwen2
        }
        [
            AnyCaseContractions,
            WordWithMarks,
            OneNumber,
            OthersButMarksLines,
            Lines,
            SpacesButLast,
            Spaces,
        ] => Family::Qwen35,
        [
            Lower(Suffix::Contraction),
            Upper(Suffix::Contraction),
            ThreeNumbers,
            OthersLinesSlashes,
            Lines,
            SpacesButLast,
            Spaces,
        ] => Family::O200k,
        [
            Lower(Suffix::Nothing),
            Upper(Suffix::Nothing),
            OneNumber,
            OthersLinesSlashes,
            Lines,
            SpacesButLast,
            Spaces,
        ] => Family::Tekken,
        [
            Hans,
            LowerButHan,
            UpperButHan,
            ThreeNumbers,
            OthersLines,
            Lines,
            SpacesButLast,
            Spaces,
        ] => Family::KimiK2,
        _ => return None,
    })
}

/// The alternatives of an isolating regular-expression step.
fn parts(step: &PreTokenizer) -> Option<Vec<Part>> {
    let PreTokenizer::Split {
        pattern: Pattern::Regex { text, dialect },
        behavior: SplitBehavior::Isolated,
        invert: false,
    } = step
    else {
        return None;
    };
    let text = text.replace('\r', "\\r").replace('\n', "\\n");
    let mut parts = Vec::new();
    for alternative in alternatives(&text)? {
        parts.push(part(alternative, *dialect)?);
    }
    Some(join_contractions(parts))
}

/// The contractions exclude each other, so their order does not matter.
fn join_contractions(parts: Vec<Part>) -> Vec<Part> {
    const EACH: [&str; 7] = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];
    let Some((first, rest)) = parts.split_at_checked(EACH.len()) else { return parts };
    if EACH.iter().all(|text| first.contains(&Part::Contraction(text))) {
        std::iter::once(Part::Contractions).chain(rest.iter().copied()).collect()
    } else {
        parts
    }
}

/// Cuts at the bars that are in no group and no class. `None` where brackets
/// do not match.
fn alternatives(text: &str) -> Option<Vec<&str>> {
    let (mut groups, mut classes) = (0usize, 0usize);
    let mut start = 0;
    let mut found = Vec::new();
    let mut bytes = text.bytes().enumerate();
    while let Some((index, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next()?;
            }
            b'[' => classes += 1,
            b']' if classes > 0 => classes -= 1,
            b'(' if classes == 0 => groups += 1,
            b')' if classes == 0 => groups = groups.checked_sub(1)?,
            b'|' if classes == 0 && groups == 0 => {
                found.push(text.get(start..index)?);
                start = index + 1;
            }
            _ => {}
        }
    }
    found.push(text.get(start..)?);
    (groups == 0 && classes == 0).then_some(found)
}

/// An alternative by its spelling. Possessive quantifiers forbid giving back
/// characters, which would not help any of these to match: what follows the
/// quantifier needs other characters or is optional.
fn part(text: &str, dialect: Dialect) -> Option<Part> {
    use Part::*;
    if dialect == Dialect::Tiktoken {
        // In Ruby's syntax `{1,3}+` is a repetition of a repetition, and `$`
        // the end of a line.
        match text {
            r"\p{N}{1,3}+" => return Some(ThreeNumbers),
            r"\s++$" | r"\s+$" => return Some(SpacesAtEnd),
            _ => {}
        }
    }
    Some(match text {
        "'s" => Contraction("'s"),
        "'t" => Contraction("'t"),
        "'re" => Contraction("'re"),
        "'ve" => Contraction("'ve"),
        "'m" => Contraction("'m"),
        "'ll" => Contraction("'ll"),
        "'d" => Contraction("'d"),
        r"'(?:[sdmt]|ll|ve|re)" | "(?:'s|'t|'re|'ve|'m|'ll|'d)" => Contractions,
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)" | "'(?i:[sdmt]|ll|ve|re)" => AnyCaseContractions,
        r" ?\p{L}+" | r" ?\p{L}++" | r" ?[\p{L}]+" => SpaceLetters,
        r" ?\p{N}+" | r" ?\p{N}++" | r" ?[\p{N}]+" => SpaceNumbers,
        r" ?[^\s\p{L}\p{N}]+" | r" ?[^\s\p{L}\p{N}]++" => SpaceOthers,
        r"[^\r\n\p{L}\p{N}]?\p{L}+"
        | r"[^\r\n\p{L}\p{N}]?\p{L}++"
        | r"[^\r\n\p{L}\p{N}]?+\p{L}+"
        | r"[^\r\n\p{L}\p{N}]?+\p{L}++" => Word,
        r"[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+" => WordWithMarks,
        r"\p{N}" | r"[\p{N}]" | r"\p{N}{1}" => OneNumber,
        r"\p{N}{1,3}" => ThreeNumbers,
        r"\p{N}+" | r"\p{N}++" => Numbers,
        r" ?[^\s\p{L}\p{N}]+[\r\n]*"
        | r" ?[^\s\p{L}\p{N}]++[\r\n]*"
        | r" ?[^\s\p{L}\p{N}]++[\r\n]*+"
        | r" ?[^\s\p{L}\p{N}]+[\r\n]*+" => OthersLines,
        r" ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*" | r" ?[^\s\p{L}\p{N}\p{M}]+[\r\n]*" => {
            OthersButMarksLines
        }
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*" | r" ?[^\s\p{L}\p{N}]++[\r\n/]*+" => OthersLinesSlashes,
        // `\s*` already takes all newlines but the last.
        r"\s*[\r\n]+" | r"\s*[\r\n]++" | r"\s*[\r\n]" => Lines,
        r"\s++\z" | r"\s+\z" => SpacesAtEnd,
        r"\s+(?!\S)" => SpacesButLast,
        // Only reached on a run of one.
        r"\s+" | r"\s++" | r"\s" => Spaces,
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?" => {
            Lower(Suffix::Contraction)
        }
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?" => {
            Upper(Suffix::Contraction)
        }
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" => {
            Lower(Suffix::Nothing)
        }
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" => {
            Upper(Suffix::Nothing)
        }
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?" => {
            LowerButHan
        }
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?" => {
            UpperButHan
        }
        r"[\p{Han}]+" | r"\p{Han}+" => Hans,
        "[一-龥\u{3040}-ゟ゠-ヿ]+" => IdeographsOrKana,
        r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"## => PunctuationThenAscii,
        r"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+" => DeepSeekWord,
        r" ?[\p{P}\p{S}]+[\r\n]*" => PunctuationLines,
        _ => return None,
    })
}
