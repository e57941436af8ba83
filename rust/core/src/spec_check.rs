//! Whether a [`Spec`] makes sense: the checks between data and a tokenizer.

use hashbrown::{HashMap, HashSet};

use crate::error::LoadError;
use crate::ids::widen;
use crate::load::fallback_byte;
use crate::spec::{
    AddedToken, Alphabet, Decoder, Merges, Model, Normalizer, Pattern, PreTokenizer, Spec,
    TemplatePiece,
};

/// The longest token in bytes. Real vocabularies have some of a few hundred;
/// finding the merges of a token takes time beyond proportion to its length.
pub(crate) const MAX_TOKEN_BYTES: usize = 1 << 12;

/// The most that the `Replace` steps of a normalizer may lengthen a text, as
/// a factor.
const MAX_GROWTH: usize = 1 << 12;

/// The most steps that a pipeline may have of one kind.
const MAX_STEPS: usize = 256;

impl Spec {
    /// Checks that the parts fit together: every text has ids, every id one
    /// meaning, and no table would be out of proportion.
    ///
    /// Patterns are not compiled here.
    pub fn validate(&self) -> Result<(), LoadError> {
        check_tokens(&self.model)?;
        match self.model.alphabet {
            Alphabet::Bytes => check_bytes(&self.model)?,
            Alphabet::Characters { byte_fallback, unk, .. } => {
                check_characters(&self.model, byte_fallback, unk)?;
            }
        }
        check_merges(&self.model)?;
        check_added(&self.model, &self.added_tokens)?;
        check_normalizers(&self.normalizers)?;
        check_pre_tokenizers(&self.pre_tokenizers)?;
        check_decoders(&self.decoders)?;
        self.check_template()
    }

    fn check_template(&self) -> Result<(), LoadError> {
        let Some(template) = &self.template else {
            return Ok(());
        };
        let known: HashSet<u32> =
            ids(&self.model).chain(self.added_tokens.iter().map(|token| token.id)).collect();
        for (field, pieces) in [("single", &template.single), ("pair", &template.pair)] {
            for piece in pieces {
                let TemplatePiece::Special { name, tokens, .. } = piece else {
                    continue;
                };
                if let Some((id, _)) = tokens.iter().find(|(id, _)| !known.contains(id)) {
                    return Err(vocabulary(
                        format!("template, {field}"),
                        format!("{name:?} stands for the id {id}, which is no token"),
                    ));
                }
            }
        }
        let count = |wanted: fn(&TemplatePiece) -> bool| {
            template.single.iter().filter(|piece| wanted(piece)).count()
        };
        if count(|piece| matches!(piece, TemplatePiece::A(_))) != 1
            || count(|piece| matches!(piece, TemplatePiece::B(_))) != 0
        {
            return Err(LoadError::Unsupported {
                place: "template, single".to_owned(),
                what: "a template for one sequence that does not have $A exactly once".to_owned(),
                advice: String::new(),
            });
        }
        Ok(())
    }
}

fn vocabulary(place: impl Into<String>, problem: impl Into<String>) -> LoadError {
    LoadError::Vocabulary { place: place.into(), problem: problem.into() }
}

/// Bytes as a short text for messages.
fn shown(bytes: &[u8]) -> String {
    let cut = bytes.get(..40).unwrap_or(bytes);
    let dots = if cut.len() < bytes.len() { "..." } else { "" };
    format!("\"{}\"{dots}", cut.escape_ascii())
}

fn ids(model: &Model) -> impl Iterator<Item = u32> {
    model.tokens.iter().map(|token| token.id)
}

/// Ids ascend, are one token each, and are not spread too far; tokens are of
/// sensible length.
fn check_tokens(model: &Model) -> Result<(), LoadError> {
    let mut total = 0_usize;
    for pair in model.tokens.windows(2) {
        let [first, second] = pair else { continue };
        if first.id == second.id {
            return Err(vocabulary(
                format!("id {}", first.id),
                format!(
                    "two tokens have it, {} and {}; every token needs an id of its own",
                    shown(&first.bytes),
                    shown(&second.bytes)
                ),
            ));
        }
        if first.id > second.id {
            return Err(vocabulary(
                format!("id {}", second.id),
                format!("comes after id {}; tokens must be in ascending order of id", first.id),
            ));
        }
    }
    for token in &model.tokens {
        total = total.saturating_add(token.bytes.len());
        if token.bytes.is_empty() {
            return Err(vocabulary(
                format!("id {}", token.id),
                "the token is empty; it could never be part of a text, so remove it",
            ));
        }
        if token.bytes.len() > MAX_TOKEN_BYTES {
            return Err(vocabulary(
                format!("id {}", token.id),
                format!(
                    "the token {} has {} bytes; at most {MAX_TOKEN_BYTES} are allowed",
                    shown(&token.bytes),
                    token.bytes.len()
                ),
            ));
        }
    }
    // Tables hold positions in the bytes of all tokens as 32 bits.
    if total > widen(u32::MAX / 2) {
        return Err(vocabulary("tokens", format!("have {total} bytes; at most 2^31 are allowed")));
    }
    check_spread(ids(model).last(), model.tokens.len())
}

/// Tables have a row for every id up to the largest.
fn check_spread(largest: Option<u32>, count: usize) -> Result<(), LoadError> {
    let limit = count.saturating_mul(16).saturating_add(1 << 20);
    match largest {
        Some(largest) if widen(largest) > limit => Err(vocabulary(
            format!("id {largest}"),
            format!(
                "is far beyond the others: {count} tokens may have ids up to {limit}; number them \
                 without such holes"
            ),
        )),
        _ => Ok(()),
    }
}

/// All 256 bytes are tokens, and bytes name one token where they must.
fn check_bytes(model: &Model) -> Result<(), LoadError> {
    let mut present = [false; 256];
    let mut seen: HashMap<&[u8], u32> = HashMap::with_capacity(model.tokens.len());
    for token in &model.tokens {
        if let [byte] = token.bytes.as_slice() {
            present[usize::from(*byte)] = true;
        }
        if let Some(first) = seen.insert(&token.bytes, token.id)
            && (model.merges == Merges::Ranks || model.ignore_merges || token.bytes.len() == 1)
        {
            return Err(vocabulary(
                format!("id {}", token.id),
                format!(
                    "the token {} has the id {first} as well; every token needs one id",
                    shown(&token.bytes)
                ),
            ));
        }
    }
    let missing: Vec<String> = (0_u8..=255)
        .filter(|byte| !present[usize::from(*byte)])
        .map(|byte| format!("0x{byte:02X}"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(vocabulary(
        "vocabulary",
        format!(
            "{} of the 256 single bytes are no tokens, so texts with them would have no ids: {}",
            missing.len(),
            listed(&missing)
        ),
    ))
}

/// The first items of a list.
fn listed(items: &[String]) -> String {
    match items.get(..16) {
        Some(first) if items.len() > 16 => format!("{}, ...", first.join(", ")),
        _ => items.join(", "),
    }
}

/// A character that is no token must have somewhere to go.
fn check_characters(model: &Model, byte_fallback: bool, unk: Option<u32>) -> Result<(), LoadError> {
    if model.merges == Merges::Ranks {
        return Err(vocabulary(
            "merges",
            "a model on characters needs a list of merges; ranks are for models on bytes",
        ));
    }
    let mut seen: HashMap<&[u8], u32> = HashMap::with_capacity(model.tokens.len());
    let mut present = [false; 256];
    for token in &model.tokens {
        let Ok(text) = std::str::from_utf8(&token.bytes) else {
            return Err(vocabulary(
                format!("id {}", token.id),
                format!(
                    "the token {} is not UTF-8, which tokens of a model on characters are",
                    shown(&token.bytes)
                ),
            ));
        };
        if let Some(first) = seen.insert(&token.bytes, token.id) {
            return Err(vocabulary(
                format!("id {}", token.id),
                format!("the token {text:?} has the id {first} as well"),
            ));
        }
        if let Some(byte) = fallback_byte(text) {
            present[usize::from(byte)] = true;
        }
    }
    if let Some(unk) = unk
        && model.tokens.binary_search_by_key(&unk, |token| token.id).is_err()
    {
        return Err(vocabulary("model.unk_token", format!("its id {unk} is no token")));
    }
    let missing: Vec<String> = (0_u8..=255)
        .filter(|byte| !present[usize::from(*byte)])
        .map(|byte| format!("<0x{byte:02X}>"))
        .collect();
    match (byte_fallback, missing.len()) {
        (true, 0) => Ok(()),
        (true, 1..256) => Err(vocabulary(
            "model.byte_fallback",
            format!(
                "{} of the 256 byte tokens are missing: {}; add them, or set it to false",
                missing.len(),
                listed(&missing)
            ),
        )),
        _ if unk.is_some() => Ok(()),
        _ => Err(vocabulary(
            "model.unk_token",
            "is null and there is no complete byte fallback, so characters that are no tokens \
             would vanish from the ids; name a token for them",
        )),
    }
}

/// Each merge joins two tokens into the token that is their concatenation.
/// That the result is longer than its parts makes cycles impossible.
fn check_merges(model: &Model) -> Result<(), LoadError> {
    let Merges::Pairs(merges) = &model.merges else {
        return Ok(());
    };
    if merges.len() >= widen(u32::MAX) {
        return Err(vocabulary("merges", "there are more than 2^32 - 2 of them"));
    }
    // The largest id is in proportion: `check_tokens` was before.
    let rows = ids(model).last().map_or(0, |id| widen(id) + 1);
    let mut bytes: Vec<&[u8]> = vec![&[]; rows];
    for token in &model.tokens {
        if let Some(slot) = bytes.get_mut(widen(token.id)) {
            *slot = &token.bytes;
        }
    }
    for (index, merge) in merges.iter().enumerate() {
        let place = || format!("merges[{index}]");
        let find = |id: u32| {
            let token = bytes.get(widen(id)).copied().filter(|bytes| !bytes.is_empty());
            token.ok_or_else(|| {
                vocabulary(place(), format!("names the id {id}, which is no token of the model"))
            })
        };
        let (left, right, merged) = (find(merge.left)?, find(merge.right)?, find(merge.merged)?);
        if merged.strip_prefix(left) != Some(right) {
            return Err(vocabulary(
                place(),
                format!(
                    "joins {} and {} into {}, which is not their concatenation",
                    shown(left),
                    shown(right),
                    shown(merged)
                ),
            ));
        }
    }
    let mut pairs: Vec<(u64, usize)> =
        merges.iter().enumerate().map(|(index, merge)| (merge.pair(), index)).collect();
    pairs.sort_unstable();
    for two in pairs.windows(2) {
        if let [(first, first_index), (second, second_index)] = two
            && first == second
        {
            return Err(vocabulary(
                format!("merges[{second_index}]"),
                format!("joins the same two tokens as merges[{first_index}]; keep one of them"),
            ));
        }
    }
    Ok(())
}

/// Added tokens have a text and an id of their own, or are the model's token
/// of the same bytes.
fn check_added(model: &Model, added: &[AddedToken]) -> Result<(), LoadError> {
    let mut by_id: HashMap<u32, &AddedToken> = HashMap::with_capacity(added.len());
    let mut by_text: HashMap<&str, u32> = HashMap::with_capacity(added.len());
    for token in added {
        let place = || format!("added token {:?}", cut(&token.content));
        if token.content.is_empty() {
            return Err(vocabulary(
                format!("added token with id {}", token.id),
                "is empty; it would be found everywhere, so remove it",
            ));
        }
        if token.content.len() > MAX_TOKEN_BYTES {
            return Err(vocabulary(
                place(),
                format!("has {} bytes; at most {MAX_TOKEN_BYTES} are allowed", token.content.len()),
            ));
        }
        if let Some(first) = by_text.insert(&token.content, token.id) {
            return Err(vocabulary(
                place(),
                format!("is listed twice, with ids {first} and {}", token.id),
            ));
        }
        if let Some(first) = by_id.insert(token.id, token) {
            return Err(vocabulary(
                place(),
                format!("has the id {} of the added token {:?}", token.id, cut(&first.content)),
            ));
        }
        if let Ok(at) = model.tokens.binary_search_by_key(&token.id, |token| token.id)
            && let Some(other) = model.tokens.get(at)
            && other.bytes != token.content.as_bytes()
        {
            return Err(vocabulary(
                place(),
                format!(
                    "has the id {} of the token {}; give it an id of its own",
                    token.id,
                    shown(&other.bytes)
                ),
            ));
        }
    }
    check_spread(added.iter().map(|token| token.id).max(), model.tokens.len() + added.len())
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(60).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

fn check_count(field: &str, count: usize) -> Result<(), LoadError> {
    if count <= MAX_STEPS {
        return Ok(());
    }
    Err(LoadError::Format {
        place: field.to_owned(),
        problem: format!("has {count} steps; at most {MAX_STEPS} are allowed"),
    })
}

fn check_normalizers(normalizers: &[Normalizer]) -> Result<(), LoadError> {
    check_count("normalizer", normalizers.len())?;
    let mut growth = 1_usize;
    for (index, step) in normalizers.iter().enumerate() {
        let place = || format!("normalizer, step {index}");
        let factor = match step {
            Normalizer::ReplaceLiteral { from, .. } if from.is_empty() => {
                return Err(LoadError::Format {
                    place: place(),
                    problem: "replaces the empty string; name what is to be replaced".to_owned(),
                });
            }
            Normalizer::ReplaceLiteral { from, to } => to.len().div_ceil(from.len()),
            Normalizer::ReplaceRegex { to, .. } => to.len().saturating_add(1),
            Normalizer::Prepend(text) if text.len() > MAX_TOKEN_BYTES => usize::MAX,
            _ => 1,
        };
        growth = growth.saturating_mul(factor.max(1));
        if growth > MAX_GROWTH {
            return Err(LoadError::Format {
                place: place(),
                problem: format!(
                    "the steps so far could make a text more than {MAX_GROWTH} times as long"
                ),
            });
        }
    }
    Ok(())
}

fn check_pre_tokenizers(steps: &[PreTokenizer]) -> Result<(), LoadError> {
    check_count("pre_tokenizer", steps.len())?;
    for (index, step) in steps.iter().enumerate() {
        let place = || format!("pre_tokenizer, step {index}");
        match step {
            PreTokenizer::Split { pattern: Pattern::Literal(text), .. } if text.is_empty() => {
                return Err(LoadError::Format {
                    place: place(),
                    problem: "cuts at the empty string; name what to cut at".to_owned(),
                });
            }
            PreTokenizer::PrefixSpace | PreTokenizer::Metaspace { .. } if index > 0 => {
                return Err(LoadError::Unsupported {
                    place: place(),
                    what: "a step that rewrites text after one that cuts it".to_owned(),
                    advice: "; put it first".to_owned(),
                });
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_decoders(decoders: &[Decoder]) -> Result<(), LoadError> {
    check_count("decoder", decoders.len())?;
    let mut growth = 1_usize;
    for (index, step) in decoders.iter().enumerate() {
        let Decoder::Replace { from, to } = step else {
            continue;
        };
        let refuse = |problem: String| {
            Err(LoadError::Format { place: format!("decoder, step {index}"), problem })
        };
        if from.is_empty() {
            return refuse("replaces the empty string; name what is to be replaced".to_owned());
        }
        growth = growth.saturating_mul(to.len().div_ceil(from.len()).max(1));
        if growth > MAX_GROWTH {
            return refuse(format!(
                "the steps so far could make a text more than {MAX_GROWTH} times as long"
            ));
        }
    }
    Ok(())
}
