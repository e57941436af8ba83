//! The known families of pre-tokenizers and their published texts.

use crate::spec::{Dialect, Pattern, PreTokenizer, SplitBehavior};

/// A pre-tokenizer that has a hand-written scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// GPT-2, r50k, p50k, and Hugging Face's `ByteLevel` with `use_regex`.
    Gpt2,
    /// StarCoder and SmolLM: `Digits` one by one, then GPT-2's pattern.
    StarCoder,
    /// cl100k as tiktoken has it since 0.8: white space at the end of the
    /// text is one piece, even where it has newlines.
    Cl100k,
    /// Llama 3, and cl100k as Hugging Face and older releases of tiktoken
    /// have it.
    Llama3,
    /// Qwen 2, 2.5 and 3.
    Qwen2,
    /// Qwen 3.5: marks belong to words.
    Qwen35,
    /// MiniCPM 5: groups of three digits first, then a pattern like Llama 3's.
    MiniCpm5,
    /// o200k, gpt-oss, Llama 4.
    O200k,
    /// Mistral's tekken.
    Tekken,
    /// Kimi K2: o200k with runs of Han apart.
    KimiK2,
    /// DeepSeek V3 and R1: digits, then ideographs and kana, then words.
    DeepSeekV3,
}

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const GPT2_TIKTOKEN: &str =
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s";
const CL100K_TIKTOKEN: &str = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s";
const CL100K_HF: &str = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++\z|\s*[\r\n]|\s+(?!\S)|\s";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN35: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const UP_TO_THREE_NUMBERS: &str = r"\p{N}{1,3}";
const MINICPM5: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const O200K: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const KIMI_K2: &str = r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const IDEOGRAPHS_OR_KANA: &str = "[一-龥\u{3040}-ゟ゠-ヿ]+";
const DEEPSEEK_V3: &str = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+";

impl Family {
    /// Every family.
    pub const ALL: [Family; 11] = [
        Family::Gpt2,
        Family::StarCoder,
        Family::Cl100k,
        Family::Llama3,
        Family::Qwen2,
        Family::Qwen35,
        Family::MiniCpm5,
        Family::O200k,
        Family::Tekken,
        Family::KimiK2,
        Family::DeepSeekV3,
    ];

    /// The family of this name: one of [`Family::names`]. Case and the
    /// difference between `-`, `_` and `.` do not count.
    pub fn by_name(name: &str) -> Option<Family> {
        let plain = |text: &str| -> String {
            text.chars().filter(|c| !"-_.".contains(*c)).flat_map(char::to_lowercase).collect()
        };
        let wanted = plain(name);
        Family::ALL
            .into_iter()
            .find(|family| family.names().iter().any(|known| plain(known) == wanted))
    }

    /// The names that [`Family::by_name`] knows it by, the preferred one
    /// first.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Family::Gpt2 => &["gpt2", "r50k_base", "p50k_base", "p50k_edit"],
            Family::StarCoder => &["starcoder", "smollm"],
            Family::Cl100k => &["cl100k_base", "cl100k"],
            Family::Llama3 => &["llama3", "llama-3.1", "llama-3.2", "llama-3.3", "glm4", "phi4"],
            Family::Qwen2 => &["qwen2", "qwen2.5", "qwen3"],
            Family::Qwen35 => &["qwen3.5"],
            Family::MiniCpm5 => &["minicpm5"],
            Family::O200k => &["o200k_base", "o200k", "o200k_harmony", "gpt-oss", "llama4"],
            Family::Tekken => &["tekken", "mistral-nemo"],
            Family::KimiK2 => &["kimi_k2"],
            Family::DeepSeekV3 => &["deepseek_v3", "deepseek_r1"],
        }
    }

    /// The preferred name.
    pub fn name(self) -> &'static str {
        self.names().first().copied().unwrap_or_default()
    }

    /// The pattern as the vocabulary's owner publishes it: tiktoken's text
    /// where the family is tiktoken's own, Hugging Face's steps otherwise.
    pub fn steps(self) -> Vec<PreTokenizer> {
        match (self, self.tiktoken_pattern()) {
            (Family::Gpt2 | Family::Cl100k | Family::O200k | Family::KimiK2, Some(text)) => {
                vec![isolated(text, Dialect::Tiktoken)]
            }
            _ => self.hf_steps(),
        }
    }

    /// One regular expression in tiktoken's dialect that cuts alike, if there
    /// is one: a family of several steps has none.
    pub fn tiktoken_pattern(self) -> Option<&'static str> {
        match self {
            Family::Gpt2 => Some(GPT2_TIKTOKEN),
            Family::Cl100k => Some(CL100K_TIKTOKEN),
            Family::Llama3 => Some(LLAMA3),
            Family::Qwen2 => Some(QWEN2),
            Family::Qwen35 => Some(QWEN35),
            Family::O200k => Some(O200K),
            Family::Tekken => Some(TEKKEN),
            Family::KimiK2 => Some(KIMI_K2),
            Family::StarCoder | Family::MiniCpm5 | Family::DeepSeekV3 => None,
        }
    }

    /// Steps in Hugging Face's dialect that cut alike.
    pub fn hf_steps(self) -> Vec<PreTokenizer> {
        let regex = |text| isolated(text, Dialect::HuggingFace);
        match self {
            Family::Gpt2 => vec![regex(GPT2)],
            Family::StarCoder => vec![PreTokenizer::Digits { individual: true }, regex(GPT2)],
            Family::Cl100k => vec![regex(CL100K_HF)],
            Family::Llama3 => vec![regex(LLAMA3)],
            Family::Qwen2 => vec![regex(QWEN2)],
            Family::Qwen35 => vec![regex(QWEN35)],
            Family::MiniCpm5 => vec![regex(UP_TO_THREE_NUMBERS), regex(MINICPM5)],
            Family::O200k => vec![regex(O200K)],
            Family::Tekken => vec![regex(TEKKEN)],
            Family::KimiK2 => vec![regex(KIMI_K2)],
            Family::DeepSeekV3 => {
                vec![regex(UP_TO_THREE_NUMBERS), regex(IDEOGRAPHS_OR_KANA), regex(DEEPSEEK_V3)]
            }
        }
    }
}

fn isolated(text: &str, dialect: Dialect) -> PreTokenizer {
    PreTokenizer::Split {
        pattern: Pattern::Regex { text: text.to_owned(), dialect },
        behavior: SplitBehavior::Isolated,
        invert: false,
    }
}
