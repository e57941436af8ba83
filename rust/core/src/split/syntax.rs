//! Regular expressions as trees, read in the dialect they were written for.
//!
//! The tree has one meaning whatever the dialect. What a dialect has beyond
//! it is refused by name ([`Refusal::Unsupported`]), never approximated.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look};

use crate::spec::Dialect;

mod class;

/// How deeply groups and classes may nest.
const MAX_DEPTH: usize = 100;
/// The longest pattern read, in characters.
const MAX_LENGTH: usize = 100_000;

/// A regular expression.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Matches the empty string.
    Empty,
    /// One character of a set.
    Set(ClassUnicode),
    /// An assertion that a linear-time engine has.
    Look(Look),
    /// A word boundary as Rust defines words, negated or not.
    WordBoundary(bool),
    /// One after the other.
    Concat(Vec<Node>),
    /// The first that matches.
    Alternate(Vec<Node>),
    /// A quantifier.
    Repeat(Box<Node>, u32, Option<u32>, Greed),
    /// Look-around.
    Around { ahead: bool, negative: bool, node: Box<Node> },
    /// No giving back.
    Atomic(Box<Node>),
    /// A numbered group.
    Capture(Box<Node>),
    /// A back-reference.
    Back(u32),
}

impl Node {
    /// Whether it can match without taking a character.
    pub(super) fn is_optional(&self) -> bool {
        match self {
            Node::Set(_) => false,
            Node::Concat(nodes) => nodes.iter().all(Node::is_optional),
            Node::Alternate(nodes) => nodes.iter().any(Node::is_optional),
            Node::Repeat(node, min, _, _) => *min == 0 || node.is_optional(),
            Node::Atomic(node) | Node::Capture(node) => node.is_optional(),
            Node::Empty
            | Node::Look(_)
            | Node::WordBoundary(_)
            | Node::Around { .. }
            | Node::Back(_) => true,
        }
    }

    /// Whether it repeats something that can match nothing. Engines differ on
    /// when such a loop ends.
    pub(super) fn repeats_nothing(&self) -> bool {
        matches!(self, Node::Repeat(node, _, max, _)
            if max.is_none_or(|max| max > 1) && node.is_optional())
    }
}

/// What a quantifier prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greed {
    Greedy,
    Lazy,
    Possessive,
}

/// Why a pattern was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is not well formed.
    Malformed(String),
    /// It uses something that is not translated.
    Unsupported(String),
}

impl Refusal {
    fn unsupported(what: impl Into<String>) -> Refusal {
        Refusal::Unsupported(what.into())
    }

    fn malformed(problem: impl Into<String>) -> Refusal {
        Refusal::Malformed(problem.into())
    }
}

/// Reads a pattern.
pub(super) fn parse(text: &str, dialect: Dialect) -> Result<Node, Refusal> {
    if text.len() > MAX_LENGTH {
        return Err(Refusal::malformed(format!("it is longer than {MAX_LENGTH} bytes")));
    }
    let mut parser = Parser {
        characters: text.chars().collect(),
        position: 0,
        dialect,
        flags: Flags::default(),
        depth: 0,
        captures: 0,
        named: false,
        references: 0,
    };
    let node = parser.alternation()?;
    if parser.peek().is_some() {
        return Err(Refusal::malformed("a closing parenthesis has no opening one"));
    }
    if parser.references > 0 && parser.named {
        return Err(Refusal::unsupported("a numbered back-reference beside named groups"));
    }
    if parser.references > parser.captures {
        return Err(Refusal::malformed("a back-reference names no group"));
    }
    Ok(node)
}

#[derive(Clone, Copy, Default)]
struct Flags {
    ignore_case: bool,
    /// `.` matches a newline: `s` in Rust, `m` in Ruby.
    dot_all: bool,
    /// `^` and `$` are line anchors: `m` in Rust, always in Ruby.
    multi_line: bool,
}

struct Parser {
    characters: Vec<char>,
    position: usize,
    dialect: Dialect,
    flags: Flags,
    depth: usize,
    captures: u32,
    named: bool,
    /// The highest group that a back-reference names.
    references: u32,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.ahead(0)
    }

    fn ahead(&self, distance: usize) -> Option<char> {
        self.characters.get(self.position + distance).copied()
    }

    fn take(&mut self) -> Option<char> {
        let found = self.peek();
        self.position += usize::from(found.is_some());
        found
    }

    /// Takes a literal text if it stands here.
    fn eat(&mut self, text: &str) -> bool {
        let stands = text.chars().enumerate().all(|(index, c)| self.ahead(index) == Some(c));
        if stands {
            self.position += text.chars().count();
        }
        stands
    }

    fn ruby(&self) -> bool {
        self.dialect == Dialect::HuggingFace
    }

    fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        if self.depth == MAX_DEPTH {
            return Err(Refusal::malformed(format!("it nests more than {MAX_DEPTH} deep")));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn alternation(&mut self) -> Result<Node, Refusal> {
        let mut branches = vec![self.concatenation()?];
        while self.eat("|") {
            branches.push(self.concatenation()?);
        }
        Ok(match branches.pop() {
            Some(only) if branches.is_empty() => only,
            last => {
                branches.extend(last);
                Node::Alternate(branches)
            }
        })
    }

    fn concatenation(&mut self) -> Result<Node, Refusal> {
        let mut nodes: Vec<Node> = Vec::new();
        let mut previous_literal = None;
        while let Some(c) = self.peek() {
            if c == '|' || c == ')' {
                break;
            }
            let before = self.position;
            let atom = self.atom()?;
            let literal = (self.position == before + 1).then_some(c);
            let node = self.quantified(atom)?;
            self.check_folding(previous_literal, literal)?;
            previous_literal = literal;
            nodes.push(node);
        }
        Ok(match nodes.pop() {
            None => Node::Empty,
            Some(only) if nodes.is_empty() => only,
            Some(last) => {
                nodes.push(last);
                Node::Concat(nodes)
            }
        })
    }

    /// Oniguruma folds some pairs of letters to one character (`ss` to `ß`).
    fn check_folding(&self, first: Option<char>, second: Option<char>) -> Result<(), Refusal> {
        if !self.ruby() || !self.flags.ignore_case {
            return Ok(());
        }
        let (Some(first), Some(second)) = (first, second) else { return Ok(()) };
        let pair: String = [first, second].iter().flat_map(|c| c.to_lowercase()).collect();
        if ["ss", "st", "ff", "fi", "fl"].contains(&pair.as_str()) {
            return Err(Refusal::unsupported(format!(
                "{pair:?} in a case-insensitive group, which Oniguruma also matches with a \
                 single character,"
            )));
        }
        Ok(())
    }

    fn quantified(&mut self, mut node: Node) -> Result<Node, Refusal> {
        loop {
            let (min, max, braces) = match self.peek() {
                Some('*') => (0, None, false),
                Some('+') => (1, None, false),
                Some('?') => (0, Some(1), false),
                Some('{') => match self.braces()? {
                    Some((min, max)) => (min, max, true),
                    None => return Ok(node),
                },
                _ => return Ok(node),
            };
            if !braces {
                self.position += 1;
            }
            if matches!(node, Node::Look(_) | Node::WordBoundary(_) | Node::Around { .. }) {
                return Err(Refusal::unsupported("a quantifier after an assertion"));
            }
            let fixed = braces && max == Some(min);
            let greed = match self.peek() {
                // Ruby: `{n}?` is `(?:{n})?`, and `{n,m}+` is `(?:{n,m})+`.
                Some('?') if !(self.ruby() && fixed) => Greed::Lazy,
                Some('+') if !(self.ruby() && braces) => Greed::Possessive,
                _ => Greed::Greedy,
            };
            self.position += usize::from(greed != Greed::Greedy);
            node = Node::Repeat(Box::new(node), min, max, greed);
            if self.ruby() && node.repeats_nothing() {
                return Err(Refusal::unsupported("a repeated group that can match nothing"));
            }
        }
    }

    /// `{n}`, `{n,}`, `{n,m}` and, in Ruby, `{,m}`; otherwise a brace is a
    /// literal in Ruby and refused elsewhere.
    fn braces(&mut self) -> Result<Option<(u32, Option<u32>)>, Refusal> {
        let start = self.position;
        self.position += 1;
        let low = self.number()?;
        let range = if self.eat(",") {
            let high = self.number()?;
            match (low, high) {
                (Some(low), high) => Some((low, high)),
                (None, Some(high)) if self.ruby() => Some((0, Some(high))),
                _ => None,
            }
        } else {
            low.map(|low| (low, Some(low)))
        };
        match range {
            Some((low, high)) if self.eat("}") => {
                if high.is_some_and(|high| high < low) {
                    return Err(Refusal::unsupported("a quantifier whose limits are swapped"));
                }
                Ok(Some((low, high)))
            }
            _ if self.ruby() => {
                self.position = start;
                Ok(None)
            }
            _ => Err(Refusal::malformed("a brace that starts no quantifier is not escaped")),
        }
    }

    fn number(&mut self) -> Result<Option<u32>, Refusal> {
        let mut value: Option<u32> = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            self.position += 1;
            let next = value.unwrap_or(0) * 10 + digit;
            if next > 100_000 {
                return Err(Refusal::malformed("a quantifier's limit is above 100000"));
            }
            value = Some(next);
        }
        Ok(value)
    }

    fn atom(&mut self) -> Result<Node, Refusal> {
        match self.take() {
            None => Ok(Node::Empty),
            Some('(') => self.deeper(Self::group),
            Some('[') => Ok(Node::Set(self.deeper(Self::class)?)),
            Some('\\') => self.escape(),
            Some('.') => Ok(Node::Set(if self.flags.dot_all { any() } else { not_newline() })),
            Some('^') if self.ruby() => Ok(ruby_line_start()),
            Some('^') if self.flags.multi_line => Ok(Node::Look(Look::StartLF)),
            Some('^') => Ok(Node::Look(Look::Start)),
            Some('$') if self.ruby() || self.flags.multi_line => Ok(Node::Look(Look::EndLF)),
            Some('$') => Ok(Node::Look(Look::End)),
            Some('*' | '+' | '?') => Err(Refusal::malformed("a quantifier has nothing to repeat")),
            Some(c) => Ok(Node::Set(self.literal(c)?)),
        }
    }

    /// One character, in any case if the flags say so.
    fn literal(&self, c: char) -> Result<ClassUnicode, Refusal> {
        let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
        if self.flags.ignore_case {
            if self.ruby() && !c.is_ascii() {
                return Err(Refusal::unsupported(format!(
                    "{c:?} in a case-insensitive group, where only ASCII characters are,"
                )));
            }
            if class.try_case_fold_simple().is_err() {
                return Err(Refusal::unsupported("case folding"));
            }
        }
        Ok(class)
    }

    fn group(&mut self) -> Result<Node, Refusal> {
        let outer = self.flags;
        let around =
            |ahead, negative| move |node| Node::Around { ahead, negative, node: Box::new(node) };
        let wrap: Box<dyn FnOnce(Node) -> Node> = if !self.eat("?") {
            self.captures += 1;
            Box::new(|node| Node::Capture(Box::new(node)))
        } else if self.eat(":") {
            Box::new(|node| node)
        } else if self.eat("=") {
            Box::new(around(true, false))
        } else if self.eat("!") {
            Box::new(around(true, true))
        } else if self.eat("<=") {
            Box::new(around(false, false))
        } else if self.eat("<!") {
            Box::new(around(false, true))
        } else if self.eat(">") {
            Box::new(|node| Node::Atomic(Box::new(node)))
        } else if self.eat("#") {
            while self.take().ok_or_else(|| Refusal::malformed("a comment does not end"))? != ')' {}
            return Ok(Node::Empty);
        } else if self.eat("<") || (!self.ruby() && self.eat("P<")) {
            self.named = true;
            while self.take().ok_or_else(|| Refusal::malformed("a group's name does not end"))?
                != '>'
            {}
            Box::new(|node| node)
        } else {
            self.set_flags()?;
            Box::new(|node| node)
        };
        let node = self.alternation()?;
        self.flags = outer;
        if !self.eat(")") {
            return Err(Refusal::malformed("a group is not closed"));
        }
        Ok(wrap(node))
    }

    /// The flags of `(?i:...)`, up to the colon.
    fn set_flags(&mut self) -> Result<(), Refusal> {
        let mut on = true;
        loop {
            match self.take() {
                Some('-') if on => on = false,
                Some('i') => self.flags.ignore_case = on,
                Some('m') if self.ruby() => self.flags.dot_all = on,
                Some('m') => self.flags.multi_line = on,
                Some('s') if !self.ruby() => self.flags.dot_all = on,
                Some(':') => return Ok(()),
                Some(')') => {
                    return Err(Refusal::unsupported(
                        "a flag for the rest of a group, as (?i), rather than (?i:...),",
                    ));
                }
                Some(c) => return Err(Refusal::unsupported(format!("the group (?{c}"))),
                None => return Err(Refusal::malformed("a group is not closed")),
            }
        }
    }

    fn escape(&mut self) -> Result<Node, Refusal> {
        if let Some(class) = self.class_escape()? {
            return Ok(Node::Set(class));
        }
        let c = self.take().ok_or_else(|| Refusal::malformed("it ends in a backslash"))?;
        let at_end = |lines: Vec<Node>| Node::Around {
            ahead: true,
            negative: false,
            node: Box::new(Node::Concat(lines)),
        };
        Ok(match (c, self.dialect) {
            ('A', _) => Node::Look(Look::Start),
            ('z', _) => Node::Look(Look::End),
            ('Z', Dialect::HuggingFace) => at_end(vec![
                Node::Repeat(Box::new(one('\n')), 0, Some(1), Greed::Greedy),
                Node::Look(Look::End),
            ]),
            ('b' | 'B', Dialect::Tiktoken) => {
                if self.peek() == Some('{') {
                    return Err(Refusal::unsupported(r"\b{"));
                }
                Node::WordBoundary(c == 'B')
            }
            ('b' | 'B', Dialect::HuggingFace) => ruby_word_boundary(c == 'B')?,
            ('R', Dialect::HuggingFace) => Node::Atomic(Box::new(Node::Alternate(vec![
                Node::Concat(vec![one('\r'), one('\n')]),
                Node::Set(class_of(r"[\n-\r\x{85}\x{2028}\x{2029}]")?),
            ]))),
            ('1'..='9', _) => {
                if self.flags.ignore_case || self.peek().is_some_and(|c| c.is_ascii_digit()) {
                    return Err(Refusal::unsupported(format!(r"\{c} here")));
                }
                let group = c.to_digit(10).unwrap_or(0);
                self.references = self.references.max(group);
                Node::Back(group)
            }
            (c, _) => return Err(Refusal::unsupported(format!(r"the escape \{c}"))),
        })
    }
}

fn one(c: char) -> Node {
    Node::Set(ClassUnicode::new([ClassUnicodeRange::new(c, c)]))
}

fn any() -> ClassUnicode {
    ClassUnicode::new([ClassUnicodeRange::new('\0', char::MAX)])
}

fn not_newline() -> ClassUnicode {
    let mut class = ClassUnicode::new([ClassUnicodeRange::new('\n', '\n')]);
    class.negate();
    class
}

/// The set that a pattern of one character matches.
fn class_of(pattern: &str) -> Result<ClassUnicode, Refusal> {
    let hir = regex_syntax::parse(pattern)
        .map_err(|_| Refusal::unsupported(format!("{pattern} is unknown here; it")))?;
    class_of_hir(&hir).ok_or_else(|| Refusal::unsupported(pattern))
}

fn class_of_hir(hir: &Hir) -> Option<ClassUnicode> {
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class.clone()),
        HirKind::Class(Class::Bytes(class)) => class.to_unicode_class(),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            let mut characters = text.chars();
            let c = characters.next()?;
            characters.next().is_none().then(|| ClassUnicode::new([ClassUnicodeRange::new(c, c)]))
        }
        _ => None,
    }
}

/// Ruby's `^`: at the start of the text and behind a newline, but not behind
/// the newline that ends the text.
fn ruby_line_start() -> Node {
    Node::Alternate(vec![
        Node::Look(Look::Start),
        Node::Concat(vec![
            Node::Look(Look::StartLF),
            Node::Around { ahead: true, negative: true, node: Box::new(Node::Look(Look::End)) },
        ]),
    ])
}

/// Oniguruma's words have other characters than Rust's.
fn ruby_word_boundary(negated: bool) -> Result<Node, Refusal> {
    let word = Node::Set(class_of(class::RUBY_WORD)?);
    let around = |ahead, negative| Node::Around { ahead, negative, node: Box::new(word.clone()) };
    Ok(Node::Alternate(vec![
        Node::Concat(vec![around(false, false), around(true, !negated)]),
        Node::Concat(vec![around(false, true), around(true, negated)]),
    ]))
}
