//! A spec without its tokens and merges: what there is to say about it.

use serde::Serialize;

use crate::spec::{
    Alphabet, Decoder, Merges, Normalizer, Pattern, PreTokenizer, Spec, SplitBehavior, Template,
};

/// Everything in a [`Spec`] that is not a list of tokens or merges.
#[derive(Serialize)]
struct Outline<'s> {
    alphabet: &'s Alphabet,
    merges: &'static str,
    listed_merges: usize,
    ignore_merges: bool,
    normalizers: &'s [Normalizer],
    pre_tokenizers: &'s [PreTokenizer],
    template: &'s Option<Template>,
    decoders: &'s [Decoder],
}

impl Spec {
    /// The regular expression of the pre-tokenizer if there is nothing to it
    /// but one expression that finds the pre-tokens, as in tiktoken.
    pub fn pattern(&self) -> Option<&str> {
        match self.pre_tokenizers.as_slice() {
            [
                PreTokenizer::Split {
                    pattern: Pattern::Regex { text, .. },
                    behavior: SplitBehavior::Isolated,
                    invert: _, // between isolated matches the other pieces are pieces, too
                },
            ] => Some(text),
            _ => None,
        }
    }

    /// Everything but the tokens and the merges, as a JSON object.
    pub fn outline(&self) -> String {
        let (merges, listed_merges) = match &self.model.merges {
            Merges::Ranks => ("by rank", 0),
            Merges::Pairs(pairs) => ("listed", pairs.len()),
        };
        let outline = Outline {
            alphabet: &self.model.alphabet,
            merges,
            listed_merges,
            ignore_merges: self.model.ignore_merges,
            normalizers: &self.normalizers,
            pre_tokenizers: &self.pre_tokenizers,
            template: &self.template,
            decoders: &self.decoders,
        };
        // Plain data with string keys: there is no way for this to fail.
        serde_json::to_string(&outline).unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::spec::{Dialect, Model};

    fn spec(pre_tokenizers: Vec<PreTokenizer>) -> Spec {
        Spec {
            name: String::new(),
            model: Model {
                alphabet: Alphabet::Bytes,
                tokens: Vec::new(),
                merges: Merges::Ranks,
                ignore_merges: true,
            },
            normalizers: vec![Normalizer::Nfc],
            pre_tokenizers,
            added_tokens: Vec::new(),
            template: None,
            decoders: Vec::new(),
        }
    }

    fn split(behavior: SplitBehavior) -> PreTokenizer {
        let pattern = Pattern::Regex { text: r"\w+".into(), dialect: Dialect::Tiktoken };
        PreTokenizer::Split { pattern, behavior, invert: false }
    }

    #[test]
    fn only_a_single_expression_is_a_pattern() {
        assert_eq!(spec(vec![split(SplitBehavior::Isolated)]).pattern(), Some(r"\w+"));
        assert_eq!(spec(vec![split(SplitBehavior::MergedWithNext)]).pattern(), None);
        assert_eq!(spec(vec![]).pattern(), None);
        let digits = PreTokenizer::Digits { individual: true };
        assert_eq!(spec(vec![split(SplitBehavior::Isolated), digits]).pattern(), None);
    }

    #[test]
    fn an_outline_is_json_with_each_part() {
        let text = spec(vec![split(SplitBehavior::Isolated)]).outline();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["alphabet"], "Bytes");
        assert_eq!(value["merges"], "by rank");
        assert_eq!(value["normalizers"][0], "Nfc");
        assert_eq!(value["pre_tokenizers"][0]["Split"]["pattern"]["Regex"]["text"], r"\w+");
    }
}
