//! A histogram with its fitted laws: the body on the left, the tails on the right.

use statrs::distribution::Continuous;
use stats::{Gaussian, SymmetricStable};

use super::axis::{Axis, Scale};
use super::canvas::{Canvas, Lettering};
use super::key::{self, Entry, Mark};
use super::panel::{Panel, Place, SMALL};
use super::style::{BAR, DATA, GAUSSIAN, MUTED, STABLE};
use super::{WIDTH, number};

const ROW_HEIGHT: f64 = 296.0;
/// Half the width of the left panel, in units of the standardised noise.
const BODY: f64 = 6.0;
/// Width of a bin in the body: sixty of them, as in the standardised SSE.
const BIN: f64 = 0.2;
/// The tails are drawn no further out than this.
const FARTHEST: f64 = 60.0;

type Density = Box<dyn Fn(f64) -> f64>;

/// Draws, standardised by median and interquartile range, with the laws that were fitted to them.
pub struct Sample {
    heading: String,
    center: f64,
    scale: f64,
    z: Vec<f64>,
    laws: Vec<Density>,
    alpha: f64,
}

/// What every such figure's caption says of its panels, of which `body` and `tails` say where they are.
pub fn reading(body: &str, tails: &str) -> String {
    format!(
        "{body}, the body; {tails}, the same with a logarithmic axis and bins that widen outwards, \
         each point with its counting error √n. The unit is the value less its median, over its \
         interquartile range / 1.349."
    )
}

/// A row for each sample.
pub fn draw(name: &str, title: &str, caption: &str, samples: &[Sample]) -> String {
    let height = 36.0 + ROW_HEIGHT * samples.len() as f64;
    Canvas::paint((WIDTH, height), name, title, caption, |canvas| {
        draw_key(canvas);
        for (idx, sample) in samples.iter().enumerate() {
            draw_row(canvas, 72.0 + ROW_HEIGHT * idx as f64, sample);
        }
    })
}

impl Sample {
    /// Standardises draws by median and interquartile range.
    pub fn new(heading: impl Into<String>, mut draws: Vec<f64>) -> Self {
        draws.retain(|draw| draw.is_finite());
        draws.sort_by(f64::total_cmp);
        let quantile = |p| if draws.is_empty() { 0.0 } else { stats::quantile(&draws, p) };
        let center = quantile(0.5);
        let scale = (quantile(0.75) - quantile(0.25)) / 1.349;
        let z =
            draws.iter().map(|draw| (draw - center) / scale).filter(|z| z.is_finite()).collect();
        Self { heading: heading.into(), center, scale, z, laws: Vec::new(), alpha: f64::NAN }
    }

    /// The laws that were fitted, as densities of the standardised draws; what could not be fitted is left out.
    pub fn with_laws(
        mut self,
        gaussian: Option<Gaussian>,
        stable: Option<SymmetricStable>,
    ) -> Self {
        let (center, scale) = (self.center, self.scale);
        self.laws.push(match gaussian {
            Some(law) => Box::new(move |z| scale * law.pdf(center + scale * z)),
            None => Box::new(|_| f64::NAN),
        });
        if let Some(law) = stable {
            self.alpha = law.alpha();
            self.laws.push(Box::new(move |z| scale * law.pdf(center + scale * z)));
        }
        self
    }

    /// Edges and counts of the non-empty bins between `edges`.
    fn counts(&self, edges: &[f64]) -> Vec<(f64, f64, usize)> {
        let below = |edge: f64| self.z.partition_point(|z| *z < edge);
        edges
            .windows(2)
            .map(|edge| (edge[0], edge[1], below(edge[1]) - below(edge[0])))
            .filter(|(.., count)| *count > 0)
            .collect()
    }

    /// The stability index of the fitted law; NaN without one.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Whether the draws vary too little to be drawn.
    pub fn is_empty(&self) -> bool {
        self.z.is_empty()
    }

    fn density(&self, from: f64, to: f64, count: f64) -> f64 {
        count / (self.z.len() as f64 * (to - from))
    }
}

fn draw_row(canvas: &Canvas, top: f64, sample: &Sample) {
    let width = (WIDTH - 72.0 - 24.0 - 76.0) / 2.0;
    let left = Place { left: 72.0, top, width, height: ROW_HEIGHT - 86.0 };
    let right = Place { left: left.left + width + 76.0, ..left };
    let heading = sample.heading.as_str();
    if sample.z.is_empty() {
        canvas.text(
            &format!("{heading}: the draws do not vary enough to be drawn"),
            (left.left, top),
            Lettering::new(MUTED, SMALL),
        );
        return;
    }
    let panel = draw_body(canvas, left, heading, ["standardised value", "density"], sample);
    panel.remark(&format!("α̂ = {}", number::significant(sample.alpha, 3)), 0);
    panel.remark(&format!("{} draws", number::count(sample.z.len() as i64)), 1);
    panel.remark(&format!("unit {}", number::significant(sample.scale, 2)), 2);
    let heading = if heading.is_empty() { "tails".to_owned() } else { format!("{heading}, tails") };
    draw_tails(canvas, right, &heading, ["standardised value", "density, logarithmic"], sample);
}

/// What the inks of such a figure stand for, in a line along its top.
pub fn draw_key(canvas: &Canvas) {
    let entries = [
        Entry::new(Mark::Bar, BAR, "draws"),
        Entry::new(Mark::Line, GAUSSIAN, "Gaussian fit"),
        Entry::new(Mark::Line, STABLE, "SαS fit"),
    ];
    key::draw(canvas, (72.0, 8.0), WIDTH - 72.0, &entries);
}

/// Bars of equal width and the fitted laws, under labels for x and y.
pub fn draw_body<'c, 'a>(
    canvas: &'c Canvas<'a>,
    place: Place,
    heading: &str,
    [across, upwards]: [&str; 2],
    sample: &Sample,
) -> Panel<'c, 'a> {
    let bins = sample.counts(&body_edges());
    let densities = bins.iter().map(|(from, to, n)| sample.density(*from, *to, *n as f64));
    let highest = densities.fold(0.42, f64::max);
    let x = Axis::between(across, Scale::Linear, -BODY, BODY);
    let y = Axis::between(upwards, Scale::Linear, 0.0, 1.08 * highest);
    let panel = Panel::new(canvas, place, heading, x, y);
    for (from, to, n) in &bins {
        panel.bar(*from, *to, sample.density(*from, *to, *n as f64), BAR);
    }
    draw_laws(&panel, sample, BODY);
    panel
}

/// The same on a logarithmic axis, out to the farthest draw.
pub fn draw_tails(
    canvas: &Canvas,
    place: Place,
    heading: &str,
    [across, upwards]: [&str; 2],
    sample: &Sample,
) {
    let farthest = sample.z.iter().fold(BODY, |far: f64, z| far.max(z.abs()));
    let reach = (1.05 * farthest).min(FARTHEST);
    let edges = tail_edges(reach);
    let bins = sample.counts(&edges);
    let lowest = bins
        .iter()
        .map(|(from, to, n)| sample.density(*from, *to, *n as f64))
        .fold(f64::INFINITY, f64::min);
    let x = Axis::between(across, Scale::Linear, -reach, reach);
    let y = Axis::between(upwards, Scale::Log, lowest / 8.0, 1.5);
    let panel = Panel::new(canvas, place, heading, x, y);
    for (from, to, n) in &bins {
        let (n, middle) = (*n as f64, (from + to) / 2.0);
        let [low, mid, high] =
            [n - n.sqrt(), n, n + n.sqrt()].map(|n| panel.row(sample.density(*from, *to, n)));
        let x = panel.column(middle);
        canvas.line(&[(x, low), (x, high)], BAR, 1.2);
        canvas.disc((x, mid), 2.0, DATA);
    }
    draw_laws(&panel, sample, reach);
    let n_outside = sample.z.iter().filter(|z| z.abs() > reach).count();
    if n_outside > 0 {
        panel.remark(&format!("{n_outside} draws beyond"), 0);
    }
}

fn draw_laws(panel: &Panel, sample: &Sample, reach: f64) {
    for (law, ink) in sample.laws.iter().zip([GAUSSIAN, STABLE]) {
        let points = (-150..=150).map(|idx| {
            // Denser in the middle, where the density bends.
            let t = idx as f64 / 150.0;
            let z = reach * t * (0.35 + 0.65 * t.abs());
            (z, law(z))
        });
        panel.line(points, ink, 2.0);
    }
}

fn body_edges() -> Vec<f64> {
    (0..=60).map(|idx| -BODY + BIN * idx as f64).collect()
}

/// Edges of bins that are as wide as in the body up to 2 and then widen by a fifth each.
fn tail_edges(reach: f64) -> Vec<f64> {
    let mut right = vec![BIN / 2.0];
    let mut width = BIN;
    while let Some(edge) = right.last().copied().filter(|edge| *edge < reach) {
        if edge > 2.0 {
            width *= 1.2;
        }
        right.push((edge + width).min(reach.max(edge + width / 2.0)));
    }
    right.iter().rev().map(|edge| -edge).chain(right.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_standardised_by_quartiles() {
        let sample = Sample::new("", vec![0.0, 1.0, 2.0, 3.0, 400.0]);
        assert_eq!((sample.center, sample.scale), (2.0, 2.0 / 1.349));
        let constant = Sample::new("", vec![1.0; 50]);
        assert!(constant.z.is_empty());
        assert!(Sample::new("", vec![]).z.is_empty());
    }

    #[test]
    fn bins_rise_and_hold_every_draw() {
        let sample = Sample::new("", (0..1000).map(|i| (i as f64 * 0.7).sin()).collect());
        let edges = tail_edges(BODY);
        assert!(edges.windows(2).all(|edge| edge[0] < edge[1]));
        let total: usize = sample.counts(&edges).iter().map(|(.., n)| n).sum();
        assert_eq!(total, 1000);
    }
}
