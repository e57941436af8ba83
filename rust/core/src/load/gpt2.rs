//! GPT-2's own form: `vocab.json` and `merges.txt`.

use super::bpe::{self, BpeFile, Places};
use super::hf_json::gpt2_split;
use super::json::{Reader, format};
use super::pattern;
use super::table::{VocabSeed, merge_line};
use crate::error::LoadError;
use crate::spec::{AddedToken, Spec};

const PLACES: Places = Places { vocab: "vocab.json", merges: "merges.txt" };

/// The one special token of GPT-2, which its vocabulary lists as any other.
const END_OF_TEXT: &str = "<|endoftext|>";

/// Reads the two files. Text is cut as GPT-2 cuts it unless a pattern is
/// given; `<|endoftext|>` is a special token if the vocabulary has it and
/// `special` names none.
pub(crate) fn load(
    vocab: &[u8],
    merges: &[u8],
    pattern: Option<&str>,
    special: Option<&[(String, u32)]>,
) -> Result<Spec, LoadError> {
    let reader = Reader::default();
    reader.enter(PLACES.vocab);
    let vocab = reader.read(vocab, VocabSeed { reader: &reader, place: PLACES.vocab })?;
    let mut file = BpeFile { vocab, ..BpeFile::default() };
    let text = std::str::from_utf8(merges).map_err(|error| {
        format(format!("{}, byte {}", PLACES.merges, error.valid_up_to()), "the file is not UTF-8")
    })?;
    for (index, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let merge = merge_line(line)
            .map_err(|problem| format(format!("{}, line {}", PLACES.merges, index + 1), problem))?;
        file.merges.extend(merge.map(|(left, right)| (left.into(), right.into())));
    }
    let added: Vec<AddedToken> = match special {
        Some(special) => special.iter().map(|(text, id)| super::special_token(text, *id)).collect(),
        None => {
            let entry = file.vocab.iter().find(|(text, _)| text == END_OF_TEXT);
            entry.map(|(text, id)| super::special_token(text, *id)).into_iter().collect()
        }
    };
    let model = bpe::model(&file, true, &added, PLACES)?;
    let steps = match pattern {
        Some(pattern) => pattern::tiktoken(pattern)?,
        None => vec![gpt2_split()],
    };
    Ok(Spec {
        name: String::new(),
        model,
        normalizers: Vec::new(),
        pre_tokenizers: steps,
        added_tokens: added,
        template: None,
        decoders: Vec::new(),
    })
}
