//! A [`Spec`] as bytes: canonical, compact, checked on the way back.
//!
//! The same spec gives the same bytes on every platform, so the bytes serve
//! for pickles and for hashing by content. Layout: eight bytes that name the
//! format and its version, the fields in the order of the struct, and the
//! SHA-256 of all before it. Numbers are LEB128, texts and lists have their
//! length in front, a choice is one byte.

use sha2::{Digest, Sha256};

use crate::error::LoadError;
use crate::ids::widen;
use crate::spec::{
    AddedToken, Alphabet, Decoder, Dialect, Merge, Merges, Model, Normalizer, Pattern,
    PreTokenizer, PrependScheme, Spec, SplitBehavior, Template, TemplatePiece, Token,
};

const MAGIC: &[u8; 8] = b"tkseam\x00\x01";
const CHECKSUM: usize = 32;

impl Spec {
    /// The spec as bytes, the same for equal specs everywhere.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut bytes = self.body();
        let checksum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }

    /// Reads [`Spec::canonical_bytes`] back. Memory is in proportion to the
    /// length of `bytes` whatever they hold. The spec is as it was when it was
    /// written; [`Spec::validate`] says whether it makes sense.
    pub fn from_canonical_bytes(bytes: &[u8]) -> Result<Spec, LoadError> {
        let wrong = |problem: &str| LoadError::Format {
            place: "spec bytes".to_owned(),
            problem: problem.to_owned(),
        };
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| {
            wrong("are not a tokenseam spec, or one that another version of tokenseam wrote")
        })?;
        let length = rest.len().checked_sub(CHECKSUM);
        let Some((body, checksum)) = length.and_then(|length| rest.split_at_checked(length)) else {
            return Err(wrong("end too early; they are truncated"));
        };
        let whole = bytes.get(..MAGIC.len() + body.len()).unwrap_or_default();
        if Sha256::digest(whole).as_slice() != checksum {
            return Err(wrong("do not match their checksum; they are damaged"));
        }
        let mut reader = Reader { bytes: body, at: 0 };
        let spec = Spec::read(&mut reader)?;
        if reader.at != body.len() {
            return Err(reader.wrong("has bytes after the last field"));
        }
        Ok(spec)
    }

    /// The SHA-256 of everything but the name: equal for tokenizers that do
    /// the same.
    pub fn content_hash(&self) -> [u8; 32] {
        let mut bytes = MAGIC.to_vec();
        "".write(&mut bytes);
        self.write_content(&mut bytes);
        Sha256::digest(&bytes).into()
    }

    fn body(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        self.name.as_str().write(&mut bytes);
        self.write_content(&mut bytes);
        bytes
    }

    fn write_content(&self, out: &mut Vec<u8>) {
        self.model.write(out);
        self.normalizers.write(out);
        self.pre_tokenizers.write(out);
        self.added_tokens.write(out);
        self.template.write(out);
        self.decoders.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Spec, LoadError> {
        Ok(Spec {
            name: String::read(reader)?,
            model: Model::read(reader)?,
            normalizers: Vec::read(reader)?,
            pre_tokenizers: Vec::read(reader)?,
            added_tokens: Vec::read(reader)?,
            template: Option::read(reader)?,
            decoders: Vec::read(reader)?,
        })
    }
}

/// A place in the bytes.
struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    fn wrong(&self, problem: &str) -> LoadError {
        LoadError::Format {
            place: format!("spec bytes, byte {}", self.at + MAGIC.len()),
            problem: problem.to_owned(),
        }
    }

    fn byte(&mut self) -> Result<u8, LoadError> {
        let byte = self.bytes.get(self.at).copied().ok_or_else(|| self.wrong("ends too early"))?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8], LoadError> {
        let end = self.at.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.wrong("names a length beyond the end"))?;
        self.at += length;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u64, LoadError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if (part << shift) >> shift != part {
                return Err(self.wrong("is a number over 64 bits"));
            }
            number |= part << shift;
            if byte < 0x80 {
                // The last byte of a longer form is not 0: one form a number.
                if byte == 0 && shift > 0 {
                    return Err(self.wrong("is a number in a longer form than it needs"));
                }
                return Ok(number);
            }
        }
        Err(self.wrong("is a number over 64 bits"))
    }

    fn length(&mut self) -> Result<usize, LoadError> {
        let length = self.number()?;
        usize::try_from(length)
            .ok()
            .filter(|length| *length <= self.bytes.len().saturating_sub(self.at))
            .ok_or_else(|| self.wrong("names a length beyond the end"))
    }

    fn unknown<T>(&self) -> Result<T, LoadError> {
        Err(self.wrong("is a choice that this version does not know"))
    }
}

/// What can be written and read back. Every value takes at least one byte,
/// which bounds lists by the length of the input.
trait Canonical: Sized {
    fn write(&self, out: &mut Vec<u8>);
    fn read(reader: &mut Reader<'_>) -> Result<Self, LoadError>;
}

/// Text that is only written.
trait Write {
    fn write(&self, out: &mut Vec<u8>);
}

impl Write for str {
    fn write(&self, out: &mut Vec<u8>) {
        number(self.len(), out);
        out.extend_from_slice(self.as_bytes());
    }
}

fn number(value: usize, out: &mut Vec<u8>) {
    let mut value = value;
    loop {
        // Seven bits fit a byte.
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

impl Canonical for u32 {
    fn write(&self, out: &mut Vec<u8>) {
        number(widen(*self), out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<u32, LoadError> {
        let value = reader.number()?;
        u32::try_from(value).map_err(|_| reader.wrong("is a number over 32 bits"))
    }
}

impl Canonical for usize {
    fn write(&self, out: &mut Vec<u8>) {
        number(*self, out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<usize, LoadError> {
        let value = reader.number()?;
        usize::try_from(value).map_err(|_| reader.wrong("is a number that is too large"))
    }
}

impl Canonical for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn read(reader: &mut Reader<'_>) -> Result<bool, LoadError> {
        match reader.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => reader.unknown(),
        }
    }
}

impl Canonical for char {
    fn write(&self, out: &mut Vec<u8>) {
        u32::from(*self).write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<char, LoadError> {
        let code = u32::read(reader)?;
        char::from_u32(code).ok_or_else(|| reader.wrong("is not a Unicode character"))
    }
}

impl Canonical for String {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_str().write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<String, LoadError> {
        let length = reader.length()?;
        let bytes = reader.take(length)?;
        let text = std::str::from_utf8(bytes).map_err(|_| reader.wrong("is not UTF-8"))?;
        Ok(text.to_owned())
    }
}

impl<T: Canonical> Canonical for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.is_some().write(out);
        if let Some(value) = self {
            value.write(out);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Option<T>, LoadError> {
        if bool::read(reader)? { T::read(reader).map(Some) } else { Ok(None) }
    }
}

impl<T: Canonical> Canonical for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        number(self.len(), out);
        for item in self {
            item.write(out);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Vec<T>, LoadError> {
        let length = reader.length()?;
        // Grown as items come: a length alone reserves nothing.
        let mut items = Vec::with_capacity(length.min(1024));
        for _ in 0..length {
            items.push(T::read(reader)?);
        }
        Ok(items)
    }
}

impl Canonical for Model {
    fn write(&self, out: &mut Vec<u8>) {
        self.alphabet.write(out);
        self.tokens.write(out);
        self.merges.write(out);
        self.ignore_merges.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Model, LoadError> {
        Ok(Model {
            alphabet: Alphabet::read(reader)?,
            tokens: Vec::read(reader)?,
            merges: Merges::read(reader)?,
            ignore_merges: bool::read(reader)?,
        })
    }
}

impl Canonical for Token {
    fn write(&self, out: &mut Vec<u8>) {
        self.id.write(out);
        number(self.bytes.len(), out);
        out.extend_from_slice(&self.bytes);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Token, LoadError> {
        let id = u32::read(reader)?;
        let length = reader.length()?;
        Ok(Token { id, bytes: reader.take(length)?.to_vec() })
    }
}

impl Canonical for Merge {
    fn write(&self, out: &mut Vec<u8>) {
        self.left.write(out);
        self.right.write(out);
        self.merged.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Merge, LoadError> {
        Ok(Merge {
            left: u32::read(reader)?,
            right: u32::read(reader)?,
            merged: u32::read(reader)?,
        })
    }
}

impl Canonical for AddedToken {
    fn write(&self, out: &mut Vec<u8>) {
        self.id.write(out);
        self.content.write(out);
        let flags = [self.special, self.lstrip, self.rstrip, self.single_word, self.normalized];
        for flag in flags {
            flag.write(out);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<AddedToken, LoadError> {
        Ok(AddedToken {
            id: u32::read(reader)?,
            content: String::read(reader)?,
            special: bool::read(reader)?,
            lstrip: bool::read(reader)?,
            rstrip: bool::read(reader)?,
            single_word: bool::read(reader)?,
            normalized: bool::read(reader)?,
        })
    }
}

impl Canonical for Template {
    fn write(&self, out: &mut Vec<u8>) {
        self.single.write(out);
        self.pair.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Template, LoadError> {
        Ok(Template { single: Vec::read(reader)?, pair: Vec::read(reader)? })
    }
}

impl Canonical for (u32, String) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<(u32, String), LoadError> {
        Ok((u32::read(reader)?, String::read(reader)?))
    }
}

/// Writes and reads an enum: the variant's number, then its fields in order.
macro_rules! canonical_enum {
    ($name:ident { $($number:literal => $variant:ident $({ $($field:ident),* })? $(( $inner:ident ))?),* $(,)? }) => {
        impl Canonical for $name {
            fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $($name::$variant $({ $($field),* })? $(( $inner ))? => {
                        out.push($number);
                        $($($field.write(out);)*)?
                        $($inner.write(out);)?
                    })*
                }
            }

            fn read(reader: &mut Reader<'_>) -> Result<$name, LoadError> {
                match reader.byte()? {
                    $($number => {
                        $($(let $field = Canonical::read(reader)?;)*)?
                        $(let $inner = Canonical::read(reader)?;)?
                        Ok($name::$variant $({ $($field),* })? $(( $inner ))?)
                    })*
                    _ => reader.unknown(),
                }
            }
        }
    };
}

canonical_enum!(Alphabet {
    0 => Bytes,
    1 => Characters { byte_fallback, unk, fuse_unk },
});

canonical_enum!(Merges {
    0 => Ranks,
    1 => Pairs(merges),
});

canonical_enum!(Normalizer {
    0 => Nfc,
    1 => Nfd,
    2 => Nfkc,
    3 => Nfkd,
    4 => Lowercase,
    5 => Strip { left, right },
    6 => StripAccents,
    7 => Prepend(text),
    8 => ReplaceLiteral { from, to },
    9 => ReplaceRegex { pattern, to },
});

canonical_enum!(SplitBehavior {
    0 => Isolated,
    1 => MergedWithPrevious,
    2 => MergedWithNext,
    3 => Contiguous,
});

canonical_enum!(PrependScheme {
    0 => Always,
    1 => First,
    2 => Never,
});

canonical_enum!(PreTokenizer {
    0 => Split { pattern, behavior, invert },
    1 => Digits { individual },
    2 => PrefixSpace,
    3 => Metaspace { replacement, prepend, split },
});

canonical_enum!(Pattern {
    0 => Regex { text, dialect },
    1 => Literal(text),
});

canonical_enum!(Dialect {
    0 => Tiktoken,
    1 => HuggingFace,
});

canonical_enum!(TemplatePiece {
    0 => A(type_id),
    1 => B(type_id),
    2 => Special { name, tokens, type_id },
});

canonical_enum!(Decoder {
    0 => ByteFallback,
    1 => Fuse,
    2 => Replace { from, to },
    3 => Strip { content, start, stop },
    4 => Metaspace { replacement, prepend },
});
