//! From trees to what the engines take.

use std::fmt::Write;

use regex_syntax::hir::{Class, ClassUnicode, Hir, Look, Repetition};

use super::syntax::{Greed, Node};

/// A pattern for the linear-time engine.
pub(super) struct Linear {
    /// The pattern.
    pub(super) hir: Hir,
    /// Its last character belongs to a look-ahead, not to the match.
    pub(super) looks_ahead: bool,
}

/// Patterns in order of preference that together match what the tree
/// matches, if it can be done without backtracking.
pub(super) fn linear(node: &Node) -> Option<Vec<Linear>> {
    let mut found = Vec::new();
    match node {
        Node::Alternate(branches) => {
            for branch in branches {
                found.extend(branch_patterns(branch)?);
            }
        }
        single => found.extend(branch_patterns(single)?),
    }
    Some(found)
}

/// One alternative of the whole pattern.
///
/// A look-ahead of one character at its end becomes a character that is
/// matched and handed back: `E(?=C)` is `EC` less one, and `E(?!C)` is `E` at
/// the end of the text or else `E[^C]` less one. The latter keeps the order
/// of preference only if `E` is a greedy repetition of a set behind a fixed
/// number of characters: then only the longest `E` can reach the end.
fn branch_patterns(node: &Node) -> Option<Vec<Linear>> {
    let nodes = match node {
        Node::Concat(nodes) => nodes.as_slice(),
        single => std::slice::from_ref(single),
    };
    let plain = |hir| Linear { hir, looks_ahead: false };
    let Some((Node::Around { ahead: true, negative, node }, body)) = nodes.split_last() else {
        return Some(vec![plain(sequence(nodes)?)]);
    };
    let Node::Set(set) = node.as_ref() else { return None };
    let followed_by = |set: ClassUnicode| {
        let mut nodes = body.to_vec();
        nodes.push(Node::Set(set));
        Some(Linear { hir: sequence(&nodes)?, looks_ahead: true })
    };
    if !negative {
        return Some(vec![followed_by(set.clone())?]);
    }
    let (Node::Repeat(repeated, 1.., None, Greed::Greedy), fixed) = body.split_last()? else {
        return None;
    };
    let is_set = |node: &Node| matches!(node, Node::Set(_));
    if !is_set(repeated) || !fixed.iter().all(is_set) {
        return None;
    }
    let at_end = Hir::concat(vec![sequence(body)?, Hir::look(Look::End)]);
    let mut others = set.clone();
    others.negate();
    Some(vec![plain(at_end), followed_by(others)?])
}

/// A sequence that ends an alternative of the whole pattern.
fn sequence(nodes: &[Node]) -> Option<Hir> {
    let mut parts = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        match node {
            Node::Repeat(repeated, min, max, Greed::Possessive) => {
                let Node::Set(set) = repeated.as_ref() else { return None };
                if !giving_back_is_useless(set, nodes.get(index + 1..)?) {
                    return None;
                }
                parts.push(repetition(hir(repeated)?, *min, *max, true));
            }
            node => parts.push(hir(node)?),
        }
    }
    Some(Hir::concat(parts))
}

/// Whether a greedy repetition of a set matches what a possessive one does,
/// because what follows cannot start with a character of the set, or matches
/// without giving back.
fn giving_back_is_useless(set: &ClassUnicode, rest: &[Node]) -> bool {
    let mut firsts = ClassUnicode::empty();
    for node in rest {
        let (first, optional) = match node {
            // What was given back would stand before the end.
            Node::Look(Look::End) => return firsts.ranges().is_empty(),
            Node::Set(first) => (first, false),
            Node::Repeat(repeated, min, _, _) => match repeated.as_ref() {
                Node::Set(first) => (first, *min == 0),
                _ => return false,
            },
            _ => return false,
        };
        firsts.union(first);
        if !optional {
            firsts.intersect(set);
            return firsts.ranges().is_empty();
        }
    }
    // All that follows is optional.
    true
}

fn hir(node: &Node) -> Option<Hir> {
    if node.repeats_nothing() {
        return None;
    }
    Some(match node {
        Node::Empty => Hir::empty(),
        Node::Set(set) => Hir::class(Class::Unicode(set.clone())),
        Node::Look(look) => Hir::look(*look),
        Node::Concat(nodes) => Hir::concat(nodes.iter().map(hir).collect::<Option<_>>()?),
        Node::Alternate(nodes) => Hir::alternation(nodes.iter().map(hir).collect::<Option<_>>()?),
        Node::Repeat(node, min, max, Greed::Greedy) => repetition(hir(node)?, *min, *max, true),
        Node::Repeat(node, min, max, Greed::Lazy) => repetition(hir(node)?, *min, *max, false),
        Node::Capture(node) => hir(node)?,
        Node::Repeat(_, _, _, Greed::Possessive)
        | Node::WordBoundary(_)
        | Node::Around { .. }
        | Node::Atomic(_)
        | Node::Back(_) => return None,
    })
}

fn repetition(sub: Hir, min: u32, max: Option<u32>, greedy: bool) -> Hir {
    Hir::repetition(Repetition { min, max, greedy, sub: Box::new(sub) })
}

/// The tree as a text for `fancy-regex`.
pub(super) fn fancy(node: &Node) -> String {
    let mut text = String::new();
    write_fancy(node, &mut text);
    text
}

fn write_fancy(node: &Node, text: &mut String) {
    match node {
        Node::Empty => text.push_str("(?:)"),
        Node::Set(set) => write_set(set, text),
        Node::Look(look) => text.push_str(match look {
            Look::Start => r"\A",
            Look::End => r"\z",
            Look::StartLF => "(?m:^)",
            _ => "(?m:$)",
        }),
        Node::WordBoundary(negated) => text.push_str(if *negated { r"\B" } else { r"\b" }),
        Node::Concat(nodes) => {
            for node in nodes {
                write_fancy(node, text);
            }
        }
        Node::Alternate(nodes) => {
            text.push_str("(?:");
            for (index, node) in nodes.iter().enumerate() {
                if index > 0 {
                    text.push('|');
                }
                write_fancy(node, text);
            }
            text.push(')');
        }
        Node::Repeat(node, min, max, greed) => {
            text.push_str("(?:(?:");
            write_fancy(node, text);
            text.push(')');
            let _ = match (min, max) {
                (0, None) => write!(text, "*"),
                (1, None) => write!(text, "+"),
                (0, Some(1)) => write!(text, "?"),
                (min, None) => write!(text, "{{{min},}}"),
                (min, Some(max)) => write!(text, "{{{min},{max}}}"),
            };
            text.push_str(match greed {
                Greed::Greedy => "",
                Greed::Lazy => "?",
                Greed::Possessive => "+",
            });
            text.push(')');
        }
        Node::Around { ahead, negative, node } => {
            text.push_str(match (ahead, negative) {
                (true, false) => "(?=",
                (true, true) => "(?!",
                (false, false) => "(?<=",
                (false, true) => "(?<!",
            });
            write_fancy(node, text);
            text.push(')');
        }
        Node::Atomic(node) => {
            text.push_str("(?>");
            write_fancy(node, text);
            text.push(')');
        }
        Node::Capture(node) => {
            text.push('(');
            write_fancy(node, text);
            text.push(')');
        }
        Node::Back(group) => {
            let _ = write!(text, "(?:\\{group})");
        }
    }
}

fn write_set(set: &ClassUnicode, text: &mut String) {
    if set.ranges().is_empty() {
        text.push_str(r"[^\s\S]");
        return;
    }
    text.push('[');
    for range in set.ranges() {
        let _ = write!(text, r"\x{{{:X}}}", u32::from(range.start()));
        if range.end() != range.start() {
            let _ = write!(text, r"-\x{{{:X}}}", u32::from(range.end()));
        }
    }
    text.push(']');
}
