//! A rectangle with two axes, in which data are drawn at their values.

use plotters::style::text_anchor::VPos;

use super::axis::Axis;
use super::canvas::{Canvas, Lettering, Point};
use super::style::{FRAME, GRID, Ink, MUTED, TEXT};

/// Size of tick labels and remarks, in pixels.
pub const SMALL: f64 = 12.0;
/// Size of axis labels and titles, in pixels.
pub const MEDIUM: f64 = 13.0;

/// Where a panel lies on its sheet: the data area without labels, in pixels.
#[derive(Clone, Copy)]
pub struct Place {
    /// Left edge.
    pub left: f64,
    /// Top edge.
    pub top: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// A place with axes.
pub struct Panel<'c, 'a> {
    canvas: &'c Canvas<'a>,
    place: Place,
    x: Axis,
    y: Axis,
}

impl<'c, 'a> Panel<'c, 'a> {
    /// Draws axes, grid and labels; `title` stands above the panel.
    pub fn new(canvas: &'c Canvas<'a>, place: Place, title: &str, x: Axis, y: Axis) -> Self {
        let panel = Self { canvas, place, x, y };
        panel.draw_axes();
        let title_at = (place.left, place.top - 13.0);
        canvas.text(title, title_at, Lettering { bold: true, ..Lettering::new(TEXT, MEDIUM) });
        panel
    }

    fn draw_axes(&self) {
        let Place { left, top, width, height } = self.place;
        let (right, bottom) = (left + width, top + height);
        let ticks = Lettering::new(MUTED, SMALL);
        for (value, label) in self.y.ticks(((height / 38.0) as usize).max(3)) {
            let y = self.down(self.y.position_or_foot(value));
            self.canvas.line(&[(left, y), (right, y)], GRID, 1.0);
            self.canvas.text(&label, (left - 7.0, y), ticks.ending());
        }
        for (value, label) in self.x.ticks(((width / 70.0) as usize).max(4)) {
            self.tick(value, &label);
        }
        self.canvas.line(&[(left, bottom), (right, bottom)], FRAME, 1.0);
        let name = Lettering::new(MUTED, MEDIUM).centered();
        let below = Lettering { edge: VPos::Top, ..name };
        self.canvas.text(self.x.label(), (left + width / 2.0, bottom + 25.0), below);
        let beside = Lettering { upwards: true, edge: VPos::Bottom, ..name };
        self.canvas.text(self.y.label(), (left - 44.0, top + height / 2.0), beside);
    }

    /// Where a pair of values stands on the sheet; `None` when it has no place or lies outside.
    pub fn at(&self, x: f64, y: f64) -> Option<Point> {
        let (x, y) = (self.x.position(x)?, self.y.position(y)?);
        let inside = |position: f64| (-1e-6..=1.0 + 1e-6).contains(&position);
        (inside(x) && inside(y)).then(|| (self.across(x), self.down(y)))
    }

    /// The horizontal place of a value, held within the panel.
    pub fn column(&self, x: f64) -> f64 {
        self.across(self.x.position_or_foot(x).min(1.0))
    }

    /// The vertical place of a value, held within the panel; values without a place stand at its foot.
    pub fn row(&self, y: f64) -> f64 {
        self.down(self.y.position_or_foot(y).min(1.0))
    }

    /// A line through values, cut at the edges of the panel and broken where a value has no place.
    pub fn line(&self, values: impl IntoIterator<Item = (f64, f64)>, ink: Ink, width: f64) {
        for run in self.runs(values) {
            self.canvas.line(&run, ink, width);
        }
    }

    /// The same, dashed.
    pub fn dashed(&self, values: impl IntoIterator<Item = (f64, f64)>, ink: Ink, width: f64) {
        for run in self.runs(values) {
            self.canvas.dashed(&run, ink, width);
        }
    }

    /// A band between a lower and an upper value at each x; where neither has a place it is broken.
    pub fn band(&self, values: impl IntoIterator<Item = (f64, f64, f64)>, ink: Ink, opacity: f64) {
        let (mut lower, mut upper) = (Vec::new(), Vec::new());
        let paint = |lower: &mut Vec<Point>, upper: &mut Vec<Point>| {
            lower.extend(upper.drain(..).rev());
            self.canvas.fill(lower, ink, opacity);
            lower.clear();
        };
        for (x, low, high) in values {
            if low.is_nan() || high.is_nan() || self.x.position(x).is_none() {
                paint(&mut lower, &mut upper);
                continue;
            }
            let x = self.column(x);
            lower.push((x, self.row(low)));
            upper.push((x, self.row(high)));
        }
        paint(&mut lower, &mut upper);
    }

    /// A bar that rises from the foot of the panel.
    pub fn bar(&self, from: f64, to: f64, height: f64, ink: Ink) {
        let (left, right, top) = (self.column(from), self.column(to), self.row(height));
        let foot = self.foot();
        if top < foot && left < right {
            self.canvas.fill(&[(left, foot), (left, top), (right, top), (right, foot)], ink, 1.0);
        }
    }

    /// A tick at a value of one's own choice on the axis of x, with its label.
    pub fn tick(&self, x: f64, label: &str) {
        let (x, foot) = (self.column(x), self.foot());
        self.canvas.line(&[(x, foot), (x, foot + 4.0)], FRAME, 1.0);
        let below = Lettering { edge: VPos::Top, ..Lettering::new(MUTED, SMALL).centered() };
        self.canvas.text(label, (x, foot + 7.0), below);
    }

    /// The lower edge, in pixels.
    pub fn foot(&self) -> f64 {
        self.place.top + self.place.height
    }

    /// A remark in the upper right corner, or `line` lines below it.
    pub fn remark(&self, text: &str, line: usize) {
        let at =
            (self.place.left + self.place.width - 4.0, self.place.top + 9.0 + 16.0 * line as f64);
        self.canvas.text(text, at, Lettering::new(MUTED, SMALL).ending());
    }

    fn across(&self, position: f64) -> f64 {
        self.place.left + position * self.place.width
    }

    fn down(&self, position: f64) -> f64 {
        self.place.top + (1.0 - position) * self.place.height
    }

    /// The pieces of a line that lie within the panel.
    fn runs(&self, values: impl IntoIterator<Item = (f64, f64)>) -> Vec<Vec<Point>> {
        let mut runs: Vec<Vec<Point>> = Vec::new();
        let mut previous: Option<Point> = None;
        for (x, y) in values {
            let current = self.x.position(x).zip(self.y.position(y));
            if let (Some(from), Some(to)) = (previous, current)
                && let Some((start, end)) = clip(from, to)
            {
                let (start, end) = (self.on_sheet(start), self.on_sheet(end));
                match runs.last_mut() {
                    Some(run) if run.last() == Some(&start) => run.push(end),
                    _ => runs.push(vec![start, end]),
                }
            }
            previous = current;
        }
        runs
    }

    fn on_sheet(&self, (x, y): Point) -> Point {
        (self.across(x), self.down(y))
    }
}

/// The part of a segment that lies in the unit square (Liang and Barsky 1984).
fn clip(from: Point, to: Point) -> Option<(Point, Point)> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for (towards, room) in [(-dx, from.0), (dx, 1.0 - from.0), (-dy, from.1), (dy, 1.0 - from.1)] {
        if towards == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if towards < 0.0 {
            enter = enter.max(room / towards);
        } else {
            leave = leave.min(room / towards);
        }
    }
    // Ends inside keep their exact value, so that neighbouring segments still meet.
    let along = |t: f64| match t {
        0.0 => from,
        1.0 => to,
        _ => (from.0 + t * dx, from.1 + t * dy),
    };
    (enter <= leave).then(|| (along(enter), along(leave)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_cut_at_the_edges() {
        assert_eq!(clip((0.2, 0.2), (0.4, 0.4)), Some(((0.2, 0.2), (0.4, 0.4))));
        assert_eq!(clip((0.5, -1.0), (0.5, 2.0)), Some(((0.5, 0.0), (0.5, 1.0))));
        assert_eq!(clip((-1.0, 0.5), (0.5, 0.5)), Some(((0.0, 0.5), (0.5, 0.5))));
        assert_eq!(clip((1.5, 0.0), (1.5, 1.0)), None);
        assert_eq!(clip((-1.0, 0.5), (0.5, 2.0)), None);
    }
}
