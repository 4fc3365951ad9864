//! The key of a figure: what each mark and each colour stands for, in one line that wraps.

use super::canvas::{Canvas, Lettering, Point};
use super::panel::SMALL;
use super::style::{Ink, TEXT};

/// The mark before an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A line.
    Line,
    /// A dashed line.
    Dashed,
    /// A filled bar.
    Bar,
    /// A disc.
    Disc,
    /// An open circle.
    Ring,
    /// A square.
    Square,
}

/// One entry of a key.
pub struct Entry {
    /// Its mark.
    pub mark: Mark,
    /// The colour of the mark.
    pub ink: Ink,
    /// What the mark stands for.
    pub text: String,
}

impl Entry {
    /// An entry.
    pub fn new(mark: Mark, ink: Ink, text: impl Into<String>) -> Self {
        Self { mark, ink, text: text.into() }
    }

    fn width(&self) -> f64 {
        // Sans-serif letters are a little more than half as wide as they are high.
        let letters = self.text.chars().count() as f64 * 0.55 * SMALL;
        self.text_offset() + letters + 18.0
    }

    fn text_offset(&self) -> f64 {
        match self.mark {
            Mark::Line | Mark::Dashed => 28.0,
            Mark::Bar => 18.0,
            Mark::Disc | Mark::Ring | Mark::Square => 12.0,
        }
    }
}

/// Height of one line of a key.
pub const LINE_HEIGHT: f64 = 20.0;

/// Number of lines that a key of this width takes.
pub fn n_lines(entries: &[Entry], width: f64) -> usize {
    layout(entries, width).last().map_or(0, |(_, line)| line + 1)
}

/// Draws a key from its top left corner.
pub fn draw(canvas: &Canvas, (left, top): Point, width: f64, entries: &[Entry]) {
    for (entry, (offset, line)) in entries.iter().zip(layout(entries, width)) {
        let (x, y) = (left + offset, top + LINE_HEIGHT * (line as f64 + 0.5));
        let Entry { mark, ink, text } = entry;
        match mark {
            Mark::Line => canvas.line(&[(x, y), (x + 22.0, y)], *ink, 2.0),
            Mark::Dashed => canvas.dashed(&[(x, y), (x + 22.0, y)], *ink, 2.0),
            Mark::Bar => {
                let (right, above, below) = (x + 12.0, y - 5.0, y + 5.0);
                canvas.fill(&[(x, below), (x, above), (right, above), (right, below)], *ink, 1.0);
            }
            Mark::Disc => canvas.disc((x + 4.0, y), 4.0, *ink),
            Mark::Ring => canvas.ring((x + 4.0, y), 4.2, *ink),
            Mark::Square => canvas.square((x + 4.0, y), 4.2, *ink),
        }
        canvas.text(text, (x + entry.text_offset(), y), Lettering::new(TEXT, SMALL));
    }
}

/// Offset from the left and line of each entry.
fn layout(entries: &[Entry], width: f64) -> Vec<(f64, usize)> {
    let (mut offset, mut line) = (0.0, 0);
    let place = |entry: &Entry| {
        if offset > 0.0 && offset + entry.width() > width + 18.0 {
            (offset, line) = (0.0, line + 1);
        }
        let placed = (offset, line);
        offset += entry.width();
        placed
    };
    entries.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::style::DATA;

    #[test]
    fn a_long_key_wraps() {
        let entries: Vec<Entry> =
            (0..6).map(|idx| Entry::new(Mark::Line, DATA, format!("entry number {idx}"))).collect();
        assert_eq!(n_lines(&entries, 2000.0), 1);
        assert_eq!(n_lines(&entries, 300.0), 3);
        assert_eq!(n_lines(&entries, 1.0), 6);
        assert_eq!(n_lines(&[], 300.0), 0);
    }
}
