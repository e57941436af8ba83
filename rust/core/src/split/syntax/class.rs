//! Character classes: brackets, and the escapes that stand for sets.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::{Parser, Refusal, any, class_of, not_newline};

/// `\w` in Oniguruma: as in Rust, but without the joiners, and with the
/// superscripts and fractions of Latin-1.
pub(super) const RUBY_WORD: &str =
    r"[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u{B2}\u{B3}\u{B9}\u{BC}-\u{BE}]";

/// Names of properties that mean something else in Oniguruma than elsewhere
/// (its POSIX brackets).
const POSIX_NAMES: [&str; 3] = ["punct", "digit", "cntrl"];

impl Parser {
    /// The rest of a class, behind its opening bracket.
    pub(super) fn class(&mut self) -> Result<ClassUnicode, Refusal> {
        let negated = self.eat("^");
        if self.peek() == Some(']') {
            return Err(Refusal::unsupported("a class that starts with ]"));
        }
        let mut whole: Option<ClassUnicode> = None;
        let mut part = ClassUnicode::empty();
        loop {
            if self.eat("&&") {
                whole = Some(intersection(whole, &part));
                part = ClassUnicode::empty();
                continue;
            }
            match self.peek() {
                None => return Err(Refusal::malformed("a class is not closed")),
                Some(']') => {
                    self.position += 1;
                    break;
                }
                Some('[') if self.ahead(1) == Some(':') => part.union(&self.posix()?),
                Some('[') => {
                    self.position += 1;
                    part.union(&self.deeper(Self::class)?);
                }
                Some(_) => part.union(&self.class_item()?),
            }
        }
        let mut whole = intersection(whole, &part);
        if negated {
            if self.flags.ignore_case && self.ruby() {
                return Err(Refusal::unsupported("a negated class in a case-insensitive group"));
            }
            whole.negate();
        }
        Ok(whole)
    }

    /// A character, a range, or an escape that stands for a set.
    fn class_item(&mut self) -> Result<ClassUnicode, Refusal> {
        let at_edge = |parser: &Self| parser.peek() == Some(']');
        let start = self.position;
        let first = self.take();
        if first == Some('-') && !at_edge(self) {
            // A hyphen is itself only at the edges of a class.
            let opens = self.characters.get(start.wrapping_sub(1));
            if !matches!(opens, Some('[' | '^')) || self.peek() == Some('-') {
                return Err(Refusal::unsupported("an unescaped hyphen inside a class"));
            }
        }
        if !self.ruby() && matches!(first, Some('~')) && self.peek() == Some('~') {
            return Err(Refusal::unsupported("the class operator ~~"));
        }
        let low = match first {
            Some('\\') => match self.class_escape()? {
                None => {
                    let c = self.peek().map(String::from).unwrap_or_default();
                    return Err(Refusal::unsupported(format!(r"the escape \{c} in a class")));
                }
                Some(class) => match single(&class) {
                    Some(c) if !self.flags.ignore_case => c,
                    _ => {
                        if self.peek() == Some('-') && self.ahead(1) != Some(']') {
                            return Err(Refusal::unsupported("a hyphen after a set in a class"));
                        }
                        return Ok(class);
                    }
                },
            },
            Some(c) => c,
            None => return Err(Refusal::malformed("a class is not closed")),
        };
        if self.peek() != Some('-') || self.ahead(1) == Some(']') {
            return self.literal(low);
        }
        self.position += 1;
        let high = match self.take() {
            Some('\\') => match self.class_escape()?.as_ref().and_then(single) {
                Some(c) => c,
                None => return Err(Refusal::unsupported("a range that ends in a set")),
            },
            Some(c @ ('[' | '-' | '&')) => {
                return Err(Refusal::unsupported(format!("a range that ends in {c:?}")));
            }
            Some(c) => c,
            None => return Err(Refusal::malformed("a class is not closed")),
        };
        if high < low {
            return Err(Refusal::malformed(format!("the range {low:?}-{high:?} is empty")));
        }
        let mut class = ClassUnicode::new([ClassUnicodeRange::new(low, high)]);
        if self.flags.ignore_case {
            if self.ruby() && !high.is_ascii() {
                return Err(Refusal::unsupported(
                    "a range beyond ASCII in a case-insensitive group",
                ));
            }
            if class.try_case_fold_simple().is_err() {
                return Err(Refusal::unsupported("case folding"));
            }
        }
        Ok(class)
    }

    /// `[:name:]`
    fn posix(&mut self) -> Result<ClassUnicode, Refusal> {
        if self.ruby() {
            if self.eat("[:digit:]") {
                return class_of(r"\d");
            }
            if self.eat("[:space:]") {
                return class_of(r"\s");
            }
            if self.eat("[:word:]") {
                return class_of(RUBY_WORD);
            }
        }
        let rest = self.characters.get(self.position..).unwrap_or_default();
        let name: String = rest.iter().take(12).take_while(|c| **c != ']').collect();
        Err(Refusal::unsupported(format!("the POSIX bracket {name}]")))
    }

    /// An escape that stands for a character or a set, behind its backslash;
    /// `None`, with nothing taken, if it is something else.
    pub(super) fn class_escape(&mut self) -> Result<Option<ClassUnicode>, Refusal> {
        let Some(c) = self.take() else { return Ok(None) };
        let point = |c| Ok(Some(ClassUnicode::new([ClassUnicodeRange::new(c, c)])));
        match c {
            't' => point('\t'),
            'n' => point('\n'),
            'r' => point('\r'),
            'f' => point('\u{C}'),
            'v' => point('\u{B}'),
            'a' => point('\u{7}'),
            'e' if self.ruby() => point('\u{1B}'),
            'x' | 'u' => {
                let found = self.code_point(c)?;
                self.literal(found).map(Some)
            }
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                if self.ruby() && self.flags.ignore_case && matches!(c, 'w' | 'W') {
                    return Err(Refusal::unsupported(format!(r"\{c} in a case-insensitive group")));
                }
                let mut class = match c.to_ascii_lowercase() {
                    'w' if self.ruby() => class_of(RUBY_WORD)?,
                    'w' => class_of(r"\w")?,
                    'd' => class_of(r"\d")?,
                    _ => class_of(r"\s")?,
                };
                if c.is_ascii_uppercase() {
                    class.negate();
                }
                Ok(Some(class))
            }
            'h' | 'H' if self.ruby() => {
                class_of(if c == 'h' { "[0-9A-Fa-f]" } else { "[^0-9A-Fa-f]" }).map(Some)
            }
            'N' if self.ruby() => Ok(Some(not_newline())),
            'O' if self.ruby() => Ok(Some(any())),
            'p' | 'P' => self.property(c == 'P').map(Some),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() && !"<>".contains(c) => {
                self.literal(c).map(Some)
            }
            c if self.ruby() && (!c.is_ascii() || "<>".contains(c)) => self.literal(c).map(Some),
            _ => {
                self.position -= 1;
                Ok(None)
            }
        }
    }

    /// `\xHH`, `\x{H...}`, `\uHHHH`, behind the letter.
    fn code_point(&mut self, letter: char) -> Result<char, Refusal> {
        let wrong = || Refusal::malformed(format!(r"a \{letter} escape is not complete"));
        let digits: String = if self.eat("{") {
            let mut digits = String::new();
            loop {
                match self.take().ok_or_else(wrong)? {
                    '}' => break digits,
                    c => digits.push(c),
                }
            }
        } else {
            let count = if letter == 'x' { 2 } else { 4 };
            (0..count).map(|_| self.take().ok_or_else(wrong)).collect::<Result<_, _>>()?
        };
        if self.ruby() && letter == 'x' && digits.len() == 2 && !digits.starts_with(|c| c < '8') {
            return Err(Refusal::unsupported(format!(
                r"\x{digits}, a byte that is no character by itself,"
            )));
        }
        let digits_only = digits.len() <= 8 && digits.chars().all(|c| c.is_ascii_hexdigit());
        let value = if digits_only { u32::from_str_radix(&digits, 16).ok() } else { None };
        value.and_then(char::from_u32).ok_or_else(wrong)
    }

    /// `\p{...}`, behind the letter.
    fn property(&mut self, mut negated: bool) -> Result<ClassUnicode, Refusal> {
        let wrong = || Refusal::malformed(r"a \p has no property");
        let name: String = if self.eat("{") {
            if self.eat("^") {
                if !self.ruby() {
                    return Err(Refusal::unsupported(r"\p{^"));
                }
                negated = !negated;
            }
            let mut name = String::new();
            loop {
                match self.take().ok_or_else(wrong)? {
                    '}' => break name,
                    c => name.push(c),
                }
            }
        } else if self.ruby() {
            return Err(Refusal::unsupported(
                r"\p without braces, which Oniguruma reads as the letter p,",
            ));
        } else {
            self.take().ok_or_else(wrong)?.to_string()
        };
        let known = |c: char| c.is_ascii_alphanumeric() || "_ -=:".contains(c);
        if !name.chars().all(known) {
            return Err(Refusal::unsupported(format!(r"\p{{{name}}}")));
        }
        let mut class = if self.ruby() {
            self.ruby_property(&name)?
        } else {
            class_of(&format!(r"\p{{{name}}}"))?
        };
        if self.flags.ignore_case {
            if self.ruby() {
                return Err(Refusal::unsupported(r"\p in a case-insensitive group"));
            }
            if class.try_case_fold_simple().is_err() {
                return Err(Refusal::unsupported("case folding"));
            }
        }
        if negated {
            class.negate();
        }
        Ok(class)
    }

    /// General categories and scripts; Oniguruma has no `name=value`.
    fn ruby_property(&self, name: &str) -> Result<ClassUnicode, Refusal> {
        let plain: String =
            name.chars().filter(|c| !"_ -".contains(*c)).flat_map(char::to_lowercase).collect();
        if plain == "any" {
            return Ok(any());
        }
        if name.contains(['=', ':']) || POSIX_NAMES.contains(&plain.as_str()) {
            return Err(Refusal::unsupported(format!(r"\p{{{name}}}")));
        }
        class_of(&format!(r"\p{{gc={name}}}"))
            .or_else(|_| class_of(&format!(r"\p{{sc={name}}}")))
            .map_err(|_| Refusal::unsupported(format!(r"\p{{{name}}}")))
    }
}

fn intersection(whole: Option<ClassUnicode>, part: &ClassUnicode) -> ClassUnicode {
    match whole {
        None => part.clone(),
        Some(mut whole) => {
            whole.intersect(part);
            whole
        }
    }
}

fn single(class: &ClassUnicode) -> Option<char> {
    match class.ranges() {
        [range] if range.start() == range.end() => Some(range.start()),
        _ => None,
    }
}
