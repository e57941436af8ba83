//! A pre-tokenizer in the dialect of the form it is saved to.

use super::{JSON, TIKTOKEN, inexpressible};
use crate::error::SaveError;
use crate::spec::{Dialect, Pattern, PreTokenizer, SplitBehavior};
use crate::split::{Family, Splitter};

/// The steps with their patterns in Hugging Face's dialect.
pub(super) fn hugging_face(steps: &[PreTokenizer]) -> Result<Vec<PreTokenizer>, SaveError> {
    let is_foreign = |step: &PreTokenizer| {
        matches!(
            step,
            PreTokenizer::Split { pattern: Pattern::Regex { dialect: Dialect::Tiktoken, .. }, .. }
        )
    };
    if !steps.iter().any(is_foreign) {
        return Ok(steps.to_vec());
    }
    if let Some(family) = family(steps) {
        return Ok(family.hf_steps());
    }
    steps
        .iter()
        .map(|step| match step {
            PreTokenizer::Split {
                pattern: Pattern::Regex { text, dialect: Dialect::Tiktoken },
                behavior,
                invert,
            } => {
                means_the_same(text).map_err(|why| inexpressible(JSON, why))?;
                let dialect = Dialect::HuggingFace;
                Ok(PreTokenizer::Split {
                    pattern: Pattern::Regex { text: text.clone(), dialect },
                    behavior: *behavior,
                    invert: *invert,
                })
            }
            other => Ok(other.clone()),
        })
        .collect()
}

/// The steps as one regular expression in tiktoken's dialect.
pub(super) fn tiktoken(steps: &[PreTokenizer]) -> Result<String, SaveError> {
    if let [
        PreTokenizer::Split {
            pattern: Pattern::Regex { text, dialect: Dialect::Tiktoken },
            behavior: SplitBehavior::Isolated,
            invert: false,
        },
    ] = steps
    {
        return Ok(text.clone());
    }
    if let Some(family) = family(steps) {
        let pattern = family.tiktoken_pattern().map(str::to_owned);
        return pattern.ok_or_else(|| {
            let name = family.name();
            let why = format!("the pre-tokenizer of {name} is not one regular expression");
            inexpressible(TIKTOKEN, why)
        });
    }
    match steps {
        [
            PreTokenizer::Split {
                pattern: Pattern::Regex { text, dialect: Dialect::HuggingFace },
                behavior: SplitBehavior::Isolated,
                invert: false,
            },
        ] => {
            means_the_same(text).map_err(|why| inexpressible(TIKTOKEN, why))?;
            Ok(text.clone())
        }
        _ => Err(inexpressible(
            TIKTOKEN,
            "its pre-tokenizer is not one regular expression whose matches are the pieces",
        )),
    }
}

fn family(steps: &[PreTokenizer]) -> Option<Family> {
    Splitter::new(steps).ok()?.family()
}

/// Whether a regular expression means the same in both dialects: it has none
/// of the constructs in which they differ. Errs on the side of saying no.
fn means_the_same(text: &str) -> Result<(), String> {
    let differs = |what: &str| {
        Err(format!("the pattern {text:?} has {what}, which the other library reads differently"))
    };
    let mut in_class = 0_usize;
    let mut previous = '\0';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                // The braces of \p{L} are no repetition.
                Some('p' | 'P') => {
                    if characters.next_if_eq(&'{').is_some() {
                        characters.by_ref().find(|next| *next == '}');
                    }
                    previous = '\\';
                    continue;
                }
                Some(
                    's' | 'S' | 'd' | 'D' | 'w' | 'W' | 'r' | 'n' | 't' | '\\' | '.' | '/' | '-'
                    | '\'' | '"' | '[' | ']' | '(' | ')' | '{' | '}' | '|' | '?' | '*' | '+' | '^'
                    | '$' | '&' | '~' | '#' | ' ',
                ) => {
                    previous = '\\';
                    continue;
                }
                Some(other) => return differs(&format!("\\{other}")),
                None => return differs("a backslash at its end"),
            },
            '[' if in_class > 0 && characters.peek() == Some(&':') => return differs("[: :]"),
            '[' => {
                in_class += 1;
                // A class may start with ^.
                characters.next_if_eq(&'^');
            }
            ']' => in_class = in_class.saturating_sub(1),
            '^' | '$' if in_class == 0 => return differs(&format!("the anchor {character}")),
            '+' if in_class == 0 && matches!(previous, '+' | '*' | '?' | '}') => {
                return differs("a possessive quantifier");
            }
            '(' if in_class == 0 && characters.peek() == Some(&'?') => {
                characters.next();
                let kind: String = characters.clone().take(2).collect();
                if !["i:", "!", "=", ":"].iter().any(|known| kind.starts_with(known)) {
                    return differs(&format!("the group (?{kind}"));
                }
                previous = '(';
                continue;
            }
            _ => {}
        }
        previous = character;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_constructs_mean_the_same() {
        for text in [
            r"\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s+(?!\S)|\s+",
            r"(?i:'s|'t)|[a-z$^]+",
            r"a\+\+|b\$",
        ] {
            assert_eq!(means_the_same(text), Ok(()), "{text}");
        }
        for text in [
            r"a++",
            r"a*+",
            r"a?+",
            r"a{2}+",
            r"^a",
            r"a$",
            r"\ba",
            r"(?m)a",
            r"[[:alpha:]]",
            r"\h",
        ] {
            assert!(means_the_same(text).is_err(), "{text}");
        }
    }
}
