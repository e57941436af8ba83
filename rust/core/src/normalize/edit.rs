//! Edits of a text, applied lazily: a text that no step changes is never
//! copied.

/// One step's edits of `text`, given in ascending order. What lies between
/// them is kept.
#[derive(Debug)]
pub(super) struct Edits<'t> {
    text: &'t [u8],
    out: Vec<u8>,
    /// The range of `text` that each byte of `out` comes from.
    sources: Option<Vec<(usize, usize)>>,
    /// The text up to here is in `out` or was left out.
    taken: usize,
    changed: bool,
    lead: Lead,
}

/// How many bytes at the start of a text Hugging Face's offsets place at
/// offset 0 of the segment.
///
/// `Metaspace` with the scheme `first` asks for that offset rather than for
/// the position in the text, so that `" ab"` after [`Strip`] gets no mark.
/// The law for an inserted character is Hugging Face's: it has the offset of
/// the character before the place where it is put, or 0 at the very start.
///
/// [`Strip`]: crate::spec::Normalizer::Strip
#[derive(Clone, Copy, Debug)]
struct Lead {
    before: usize,
    after: usize,
    open: bool,
}

/// What a step made of a text.
pub(super) struct Edited {
    /// The new text; `None` if it is the old one.
    pub(super) text: Option<Vec<u8>>,
    /// As in [`Edits`], present if asked for and the text changed.
    pub(super) sources: Option<Vec<(usize, usize)>>,
    /// Bytes at the start that count as offset 0.
    pub(super) lead: usize,
}

impl<'t> Edits<'t> {
    /// Starts editing. `lead` is how many bytes of `text` count as offset 0.
    pub(super) fn new(text: &'t [u8], lead: usize, aligned: bool) -> Edits<'t> {
        Edits {
            text,
            out: Vec::new(),
            sources: aligned.then(Vec::new),
            taken: 0,
            changed: false,
            lead: Lead { before: lead, after: 0, open: true },
        }
    }

    /// The text that is edited.
    pub(super) fn text(&self) -> &'t [u8] {
        self.text
    }

    /// Keeps the text up to `position`.
    fn keep(&mut self, position: usize) {
        if let Some(kept) = self.text.get(self.taken..position) {
            self.out.extend_from_slice(kept);
            if let Some(sources) = &mut self.sources {
                sources.extend((self.taken..position).map(|at| (at, at + 1)));
            }
            if self.lead.open && position > self.taken {
                self.lead.after += self.lead.before.min(position).saturating_sub(self.taken);
                self.lead.open = position <= self.lead.before;
            }
            self.taken = position;
        }
    }

    /// Leaves out `start..end`, to be followed by [`Edits::put`] for what
    /// comes in its place.
    pub(super) fn cut(&mut self, start: usize, end: usize) {
        if !self.changed {
            self.changed = true;
            self.out.reserve(self.text.len());
        }
        self.keep(start);
        self.taken = end;
    }

    /// Puts `bytes` after what has been kept so far. They come from `source`
    /// in the text; Hugging Face gives them the offset of the byte `anchor`,
    /// or 0.
    pub(super) fn put(&mut self, bytes: &[u8], source: (usize, usize), anchor: Option<usize>) {
        self.out.extend_from_slice(bytes);
        if let Some(sources) = &mut self.sources {
            sources.extend(std::iter::repeat_n(source, bytes.len()));
        }
        if self.lead.open && !bytes.is_empty() {
            if anchor.is_none_or(|anchor| anchor < self.lead.before) {
                self.lead.after += bytes.len();
            } else {
                self.lead.open = false;
            }
        }
    }

    /// Whether the offsets of what is put next still matter to
    /// [`Edited::lead`].
    pub(super) fn leads(&self) -> bool {
        self.lead.open
    }

    /// Keeps the rest.
    pub(super) fn finish(mut self) -> Edited {
        if !self.changed {
            return Edited { text: None, sources: None, lead: self.lead.before };
        }
        self.keep(self.text.len());
        Edited { text: Some(self.out), sources: self.sources, lead: self.lead.after }
    }
}

/// Chains two steps: `second` gives ranges in the text whose bytes `first`
/// maps to the source (`None`: it is the source), which ends at `end`. An
/// empty range keeps its place.
pub(super) fn chain(
    first: Option<Vec<(usize, usize)>>,
    second: Vec<(usize, usize)>,
    end: usize,
) -> Vec<(usize, usize)> {
    let Some(first) = first else { return second };
    let through = |(from, to): (usize, usize)| {
        let start = first.get(from).map_or(end, |range| range.0);
        if from == to {
            return (start, start);
        }
        let stop = first.get(to.wrapping_sub(1)).map_or(start, |range| range.1);
        (start, stop.max(start))
    };
    second.into_iter().map(through).collect()
}

/// Calls `visit` with every maximal run of valid UTF-8 and where it starts.
/// Bytes that are not valid split the text.
pub(super) fn for_each_valid(text: &[u8], mut visit: impl FnMut(&str, usize)) {
    if let Ok(text) = std::str::from_utf8(text) {
        visit(text, 0);
        return;
    }
    let mut start = 0;
    for chunk in text.utf8_chunks() {
        if !chunk.valid().is_empty() {
            visit(chunk.valid(), start);
        }
        start += chunk.valid().len() + chunk.invalid().len();
    }
}
