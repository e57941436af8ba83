//! Where the bytes come from, and what they are.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::json::format;
use super::table::Text;
use super::tiktoken;
use crate::error::LoadError;

/// The largest file that is read, and the most that a gzipped file may
/// become: several times the largest real vocabulary.
const MAX_BYTES: u64 = 1 << 28;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The files of one tokenizer.
pub(super) enum Files {
    One(Vec<u8>),
    VocabAndMerges(Vec<u8>, Vec<u8>),
}

/// The formats that are one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    RankFile,
    TokenizerJson,
    Tekken,
}

/// The two files of GPT-2, by their names at Hugging Face and at OpenAI.
const PAIRS: [(&str, &str); 2] = [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")];

/// Reads the file or the files in a folder.
pub(super) fn files(path: &Path) -> Result<Files, LoadError> {
    if path.is_dir() {
        for name in ["tokenizer.json", "tekken.json"] {
            if let Some(file) = existing(&path.join(name)) {
                return read(&file).map(Files::One);
            }
        }
        for (vocab, merges) in PAIRS {
            if let (Some(vocab), Some(merges)) =
                (existing(&path.join(vocab)), existing(&path.join(merges)))
            {
                return Ok(Files::VocabAndMerges(read(&vocab)?, read(&merges)?));
            }
        }
        return Err(LoadError::Read {
            path: path.display().to_string(),
            reason: "the folder has no tokenizer.json, no tekken.json, and no vocab.json with \
                     merges.txt"
                .to_owned(),
            missing: true,
        });
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
    let name = name.strip_suffix(".gz").unwrap_or(name);
    for (vocab, merges) in PAIRS {
        if name == vocab
            && let Some(merges) = existing(&path.with_file_name(merges))
        {
            return Ok(Files::VocabAndMerges(read(path)?, read(&merges)?));
        }
        if name == merges
            && let Some(vocab) = existing(&path.with_file_name(vocab))
        {
            return Ok(Files::VocabAndMerges(read(&vocab)?, read(path)?));
        }
    }
    read(path).map(Files::One)
}

/// The file of this name, or of this name and `.gz`.
fn existing(path: &Path) -> Option<PathBuf> {
    let mut zipped = path.as_os_str().to_owned();
    zipped.push(".gz");
    [path.to_owned(), zipped.into()].into_iter().find(|path| path.is_file())
}

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let failed = |error: std::io::Error| LoadError::Read {
        path: path.display().to_string(),
        reason: error.to_string(),
        missing: error.kind() == std::io::ErrorKind::NotFound,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len <= MAX_BYTES) {
        return Ok(bytes);
    }
    Err(LoadError::Read {
        path: path.display().to_string(),
        reason: format!("the file is over {} MiB; no vocabulary is", MAX_BYTES >> 20),
        missing: false,
    })
}

/// The content of a gzipped file; any other as it is.
pub(super) fn unzipped(bytes: &[u8]) -> Result<Cow<'_, [u8]>, LoadError> {
    if !bytes.starts_with(&GZIP) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut content = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(MAX_BYTES + 1)
        .read_to_end(&mut content)
        .map_err(|error| format("gzip", format!("the file cannot be unpacked: {error}")))?;
    if u64::try_from(content.len()).is_ok_and(|len| len <= MAX_BYTES) {
        return Ok(Cow::Owned(content));
    }
    Err(format(
        "gzip",
        format!("the file unpacks to over {} MiB; no vocabulary does", MAX_BYTES >> 20),
    ))
}

/// The name of a tokenizer read from here: that of the file or folder without
/// extensions, and of the folder where the file has the name of its format.
pub(super) fn name(path: &Path) -> String {
    let stem = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        let known = [".gz", ".json", ".tiktoken", ".txt", ".bpe", ".tokenizer", ".model"];
        let mut name = name;
        while let Some(rest) = known.iter().find_map(|end| name.strip_suffix(end)) {
            name = rest;
        }
        name.to_owned()
    };
    let own = stem(path);
    match own.as_str() {
        "tokenizer" | "tekken" | "vocab" | "merges" | "encoder" | "" => {
            path.parent().map(stem).unwrap_or_default()
        }
        _ => own,
    }
}

/// What a file is, by its beginning and, for JSON, its fields.
pub(super) fn content(bytes: &[u8]) -> Result<Content, LoadError> {
    let start = bytes.trim_ascii_start();
    if start.is_empty() {
        return Err(format("byte 0", "the file is empty"));
    }
    if start.starts_with(b"{") {
        return json_content(bytes);
    }
    if tiktoken::is_rank_file(bytes) {
        return Ok(Content::RankFile);
    }
    let problem = if start.starts_with(b"#version") {
        "this is merges.txt; give the path of its folder, or of vocab.json next to it"
    } else if start.starts_with(b"version https://git-lfs") {
        "this is a Git LFS pointer, not the file itself; fetch it with git lfs pull"
    } else if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        "the file starts with a byte order mark; save it as UTF-8 without one"
    } else if bytes.starts_with(b"\n\x0e\n") || bytes.starts_with(b"\n\x07\n") {
        "this is a SentencePiece model; convert it to a tokenizer.json first"
    } else {
        "the file is none that tokenseam reads: not JSON, and its first line is not a token in \
         base64 and a rank; known are tokenizer.json, rank files, vocab.json with merges.txt, \
         tekken.json"
    };
    Err(format("line 1", problem))
}

fn json_content(bytes: &[u8]) -> Result<Content, LoadError> {
    let mut found = Found::default();
    let mut file = serde_json::Deserializer::from_slice(bytes);
    // The walk ends with an error as soon as it knows. If it does not come to
    // know because the file is broken, the loader finds the same fault again.
    let outcome = file.deserialize_map(&mut found);
    match (found.content, outcome) {
        (Some(content), _) => Ok(content),
        (None, Ok(())) if found.numbers > 0 && found.others == 0 => Err(format(
            "line 1",
            "this is vocab.json; merges.txt must be in the same folder under that name",
        )),
        (None, Err(_)) if found.others == 0 => Ok(Content::TokenizerJson),
        _ => Err(format(
            "line 1",
            "this JSON is no tokenizer: it has no model (tokenizer.json), and no config with \
             vocab (tekken.json)",
        )),
    }
}

/// What the fields of an object tell.
#[derive(Default)]
struct Found {
    content: Option<Content>,
    /// Fields whose value is a number.
    numbers: usize,
    /// Fields that no known format has.
    others: usize,
}

impl<'de> Visitor<'de> for &mut Found {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(key) = entries.next_key_seed(Text)? {
            entries.next_value_seed(ValueSeed { key: &key, found: self })?;
        }
        Ok(())
    }
}

/// Looks at one field's value. An object or array that tells the format ends
/// the walk.
struct ValueSeed<'a> {
    key: &'a str,
    found: &'a mut Found,
}

impl ValueSeed<'_> {
    fn small(self) {
        if !matches!(
            self.key,
            "version"
                | "type"
                | "truncation"
                | "padding"
                | "added_tokens"
                | "normalizer"
                | "pre_tokenizer"
                | "post_processor"
                | "decoder"
                | "model"
                | "special_tokens"
        ) {
            self.found.others += 1;
        }
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.small();
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.small();
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.found.numbers += 1;
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.found.numbers += 1;
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.found.numbers += 1;
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.small();
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.found.content = match self.key {
            "added_tokens" => Some(Content::TokenizerJson),
            "vocab" => Some(Content::Tekken),
            _ => None,
        };
        if self.found.content.is_some() {
            return Err(A::Error::custom("known"));
        }
        self.small();
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.found.content = match self.key {
            "model" | "truncation" | "padding" | "normalizer" | "pre_tokenizer"
            | "post_processor" | "decoder" => Some(Content::TokenizerJson),
            "config" => Some(Content::Tekken),
            _ => None,
        };
        if self.found.content.is_some() {
            return Err(A::Error::custom("known"));
        }
        self.small();
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}
