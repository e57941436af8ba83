//! Replacing literals and matches of regular expressions.

use std::collections::HashSet;

use memchr::memmem::Finder;
use regex_automata::dfa::{Automaton, dense, regex::Regex};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, Input};
use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassPerlKind, ClassSetItem, ClassUnicodeKind, GroupKind,
    HexLiteralKind, LiteralKind, RepetitionKind, RepetitionRange, SpecialLiteralKind,
};

use super::edit::{Edits, for_each_valid};
use crate::error::LoadError;

/// The memory that the tables of one pattern may take, in bytes.
const TABLES: usize = 4 << 20;
/// The longest pattern that is read.
const LONGEST: usize = 16 << 10;

/// Replaces every occurrence of a literal; linear in the text plus the
/// occurrences times the length of `to`.
pub(super) fn literal(from: &Finder<'_>, to: &[u8], edits: &mut Edits<'_>) {
    let length = from.needle().len();
    for start in from.find_iter(edits.text()) {
        replace(start, start + length, to, edits);
    }
}

/// Replaces every match of a pattern in each valid run of the text.
pub(super) fn matches(pattern: &Regex, to: &[u8], edits: &mut Edits<'_>) {
    for_each_valid(edits.text(), |run, base| {
        for found in pattern.find_iter(run) {
            replace(base + found.start(), base + found.end(), to, edits);
        }
    });
}

fn replace(start: usize, end: usize, to: &[u8], edits: &mut Edits<'_>) {
    if edits.text().get(start..end) == Some(to) && !edits.leads() {
        return;
    }
    edits.cut(start, end);
    edits.put(to, (start, end), end.checked_sub(1));
}

/// Compiles a pattern of Hugging Face's dialect (Oniguruma with Ruby's
/// syntax) for a linear-time search. Whatever that dialect reads differently,
/// or what cannot be searched in linear time, is refused by name.
pub(super) fn compile(pattern: &str, place: &str) -> Result<Regex, LoadError> {
    let unsupported = |what: String| LoadError::Unsupported {
        place: place.to_owned(),
        what,
        advice: format!(" (in the pattern {})", shorten(pattern)),
    };
    let broken = |problem: String| LoadError::Pattern { place: place.to_owned(), problem };
    if pattern.len() > LONGEST {
        return Err(broken(format!(
            "the pattern has {} bytes; at most {LONGEST} are read",
            pattern.len()
        )));
    }
    let tree = ast::parse::ParserBuilder::new()
        .nest_limit(64)
        .build()
        .parse(pattern)
        .map_err(|error| broken(format!("cannot read the pattern: {}", error.kind())))?;
    if let Some(what) = differs(&tree) {
        return Err(unsupported(what.to_owned()));
    }
    if least(&tree) == 0 {
        return Err(unsupported("a pattern that matches the empty string".to_owned()));
    }
    let too_large = |error: &dyn std::fmt::Display| {
        broken(format!("the pattern {} cannot be compiled: {error}", shorten(pattern)))
    };
    let regex = Regex::builder()
        .dense(
            dense::Config::new().dfa_size_limit(Some(TABLES)).determinize_size_limit(Some(TABLES)),
        )
        .thompson(regex_automata::nfa::thompson::Config::new().nfa_size_limit(Some(TABLES)))
        .build(pattern)
        .map_err(|error| too_large(&error))?;
    match looks_far_ahead(regex.forward()) {
        None => Err(broken(format!("the pattern {} cannot be searched", shorten(pattern)))),
        Some(true) => Err(unsupported(
            "a pattern that has to look arbitrarily far past the end of a match".to_owned(),
        )),
        Some(false) => Ok(regex),
    }
}

fn shorten(pattern: &str) -> String {
    let short: String = pattern.chars().take(60).collect();
    if short.len() < pattern.len() { format!("{short:?}...") } else { format!("{short:?}") }
}

/// Whether the automaton, once it has seen a match, can go on through
/// arbitrarily many bytes without another: a search for all matches would
/// then take quadratic time.
fn looks_far_ahead(dfa: &dense::DFA<Vec<u32>>) -> Option<bool> {
    let start = dfa.start_state(&start::Config::new().anchored(Anchored::No)).ok()?;
    let look = Input::new("");
    let anchored = dfa.start_state_forward(&look.anchored(Anchored::Yes)).ok();
    let classes: Vec<u8> =
        dfa.byte_classes().representatives(0..=255).filter_map(|u| u.as_u8()).collect();
    let next = |state: StateID| classes.iter().map(move |&byte| dfa.next_state(state, byte));

    let mut seen: HashSet<StateID> = std::iter::once(start).chain(anchored).collect();
    let mut work: Vec<StateID> = seen.iter().copied().collect();
    let mut after: HashSet<StateID> = HashSet::new();
    while let Some(state) = work.pop() {
        for to in next(state) {
            if seen.insert(to) {
                work.push(to);
            }
        }
    }
    // States that follow a match and are no match themselves.
    let pending = |state: StateID| !dfa.is_match_state(state) && !dfa.is_dead_state(state);
    work.extend(seen.iter().copied().filter(|&state| dfa.is_match_state(state)));
    while let Some(state) = work.pop() {
        for to in next(state).filter(|&to| pending(to)) {
            if after.insert(to) {
                work.push(to);
            }
        }
    }
    // They may only form chains: remove those that lead nowhere else among
    // them until nothing is left, or a cycle is.
    let mut before = after.len() + 1;
    while after.len() < before {
        before = after.len();
        let dying: Vec<StateID> = after
            .iter()
            .copied()
            .filter(|&state| !next(state).any(|to| after.contains(&to)))
            .collect();
        for state in dying {
            after.remove(&state);
        }
    }
    Some(!after.is_empty())
}

/// The first thing in a pattern that Hugging Face's dialect reads
/// differently, or that this crate does not vouch for.
fn differs(tree: &Ast) -> Option<&'static str> {
    match tree {
        Ast::Empty(_) | Ast::Dot(_) => None,
        Ast::Flags(_) => Some("an inline flag"),
        Ast::Literal(literal) => literal_differs(literal),
        Ast::Assertion(assertion) => match assertion.kind {
            AssertionKind::StartText | AssertionKind::EndText => None,
            AssertionKind::StartLine => Some("`^` (which means any line here; write \\A)"),
            AssertionKind::EndLine => Some("`$` (which means any line here; write \\z)"),
            _ => Some("a word boundary"),
        },
        Ast::ClassUnicode(class) => unicode_differs(class),
        Ast::ClassPerl(class) => perl_differs(&class.kind),
        Ast::ClassBracketed(class) => match &class.kind {
            ast::ClassSet::Item(item) => item_differs(item),
            ast::ClassSet::BinaryOp(_) => Some("an operation on character classes"),
        },
        Ast::Repetition(repetition) => {
            if matches!(*repetition.ast, Ast::Repetition(_)) {
                return Some("a possessive or doubled quantifier");
            }
            if let RepetitionKind::Range(RepetitionRange::Exactly(_)) = repetition.op.kind
                && !repetition.greedy
            {
                return Some("`{n}?` (which is optional in this dialect)");
            }
            if least(&repetition.ast) == 0 {
                return Some("a repetition of what can be empty");
            }
            differs(&repetition.ast)
        }
        Ast::Group(group) => match &group.kind {
            GroupKind::CaptureIndex(_) => differs(&group.ast),
            GroupKind::NonCapturing(flags) if flags.items.is_empty() => differs(&group.ast),
            GroupKind::NonCapturing(_) => Some("an inline flag"),
            GroupKind::CaptureName { .. } => Some("a named group"),
        },
        Ast::Alternation(alternation) => alternation.asts.iter().find_map(differs),
        Ast::Concat(concat) => concat.asts.iter().find_map(differs),
    }
}

fn literal_differs(literal: &ast::Literal) -> Option<&'static str> {
    match &literal.kind {
        LiteralKind::Verbatim | LiteralKind::Meta | LiteralKind::Superfluous => None,
        LiteralKind::HexFixed(HexLiteralKind::X) if literal.c.is_ascii() => None,
        LiteralKind::HexFixed(HexLiteralKind::UnicodeShort) => None,
        LiteralKind::HexBrace(HexLiteralKind::X) => None,
        LiteralKind::Special(SpecialLiteralKind::Space) => Some("an escaped space"),
        LiteralKind::Special(_) => None,
        _ => Some("this way to escape a character"),
    }
}

/// Perl classes on which both dialects agree in every code point (the tests
/// compare them).
fn perl_differs(kind: &ClassPerlKind) -> Option<&'static str> {
    match kind {
        ClassPerlKind::Digit | ClassPerlKind::Space => None,
        ClassPerlKind::Word => Some("`\\w` (whose characters differ between the dialects)"),
    }
}

fn unicode_differs(class: &ast::ClassUnicode) -> Option<&'static str> {
    let name = match &class.kind {
        ClassUnicodeKind::OneLetter(letter) => letter.to_string(),
        ClassUnicodeKind::Named(name) => name.clone(),
        ClassUnicodeKind::NamedValue { .. } => return Some("a `\\p{name=value}` class"),
    };
    let known = ["L", "Lu", "Ll", "N", "Nd", "M", "Mn", "P", "S", "Z", "Zs", "Cc"];
    (!known.contains(&name.as_str())).then_some("this `\\p{...}` class")
}

fn item_differs(item: &ClassSetItem) -> Option<&'static str> {
    match item {
        ClassSetItem::Empty(_) => None,
        ClassSetItem::Literal(literal) => literal_differs(literal),
        ClassSetItem::Range(range) => {
            literal_differs(&range.start).or_else(|| literal_differs(&range.end))
        }
        ClassSetItem::Ascii(_) => Some("a `[:name:]` class"),
        ClassSetItem::Unicode(class) => unicode_differs(class),
        ClassSetItem::Perl(class) => perl_differs(&class.kind),
        ClassSetItem::Bracketed(_) => Some("a nested character class"),
        ClassSetItem::Union(union) => union.items.iter().find_map(item_differs),
    }
}

/// The least number of characters that a match has.
fn least(tree: &Ast) -> usize {
    match tree {
        Ast::Empty(_) | Ast::Flags(_) | Ast::Assertion(_) => 0,
        Ast::Literal(_)
        | Ast::Dot(_)
        | Ast::ClassUnicode(_)
        | Ast::ClassPerl(_)
        | Ast::ClassBracketed(_) => 1,
        Ast::Repetition(repetition) => {
            let times = match &repetition.op.kind {
                RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore => 0,
                RepetitionKind::OneOrMore => 1,
                RepetitionKind::Range(RepetitionRange::Exactly(least))
                | RepetitionKind::Range(RepetitionRange::AtLeast(least))
                | RepetitionKind::Range(RepetitionRange::Bounded(least, _)) => {
                    crate::ids::widen(*least)
                }
            };
            times.saturating_mul(least(&repetition.ast))
        }
        Ast::Group(group) => least(&group.ast),
        Ast::Alternation(alternation) => alternation.asts.iter().map(least).min().unwrap_or(0),
        Ast::Concat(concat) => concat.asts.iter().map(least).fold(0, usize::saturating_add),
    }
}
