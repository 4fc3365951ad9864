//! Quantile against quantile, on the scale of normal scores.

use statrs::distribution::{Beta, ContinuousCDF, Normal};
use stats::{Gaussian, SymmetricStable};

use super::axis::{Axis, Scale};
use super::canvas::Canvas;
use super::key::{self, Entry, Mark};
use super::panel::{Panel, Place};
use super::style::{BAR, DATA, GAUSSIAN, Ink, MUTED, STABLE};
use super::{Figure, WIDTH};

/// Residuals beyond this are drawn at it.
const FARTHEST: f64 = 8.0;
/// Points in each panel, at most; the tails are drawn whole.
const N_POINTS: usize = 400;

/// One panel for each law.
///
/// # Formula
/// A point for the i-th of n samples in order: Φ⁻¹((i − ½)/n) against Φ⁻¹(F(x₍ᵢ₎)), the normalised quantile residual of
/// Dunn and Smyth (1996, section 2). Under the law the points lie on the diagonal, and F(x₍ᵢ₎) is Beta(i, n − i + 1),
/// which gives the pointwise 95 % band whatever the law. On plain axes one far outlier would hide all others.
pub fn figure(
    samples: &[f64],
    gaussian: Option<Gaussian>,
    stable: Option<SymmetricStable>,
) -> Figure {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let title = "Quantiles against those of the fitted laws".to_owned();
    let caption =
        "Normal scores of the samples under each fitted law against those of their ranks: a \
                   law that holds gives the diagonal, with the pointwise 95 % band of order \
                   statistics. The band does not know that the law was fitted to the same samples, \
                   so it is a little wide."
            .to_owned();
    let svg = Canvas::paint((WIDTH, 378.0), "quantiles", &title, &caption, |canvas| {
        let entries = [
            Entry::new(Mark::Disc, DATA, "samples"),
            Entry::new(Mark::Bar, BAR, "95 % band"),
            Entry::new(Mark::Dashed, MUTED, "the law"),
        ];
        key::draw(canvas, (72.0, 8.0), WIDTH - 72.0, &entries);
        let width = (WIDTH - 72.0 - 24.0 - 76.0) / 2.0;
        let left = Place { left: 72.0, top: 72.0, width, height: 246.0 };
        let right = Place { left: left.left + width + 76.0, ..left };
        if let Some(law) = gaussian {
            draw(canvas, left, ("Gaussian", GAUSSIAN), &sorted, &law);
        }
        if let Some(law) = stable {
            draw(canvas, right, ("SαS", STABLE), &sorted, &law);
        }
    });
    Figure { file: "quantiles.svg", title, caption, svg }
}

fn draw<L: ContinuousCDF<f64, f64>>(
    canvas: &Canvas,
    place: Place,
    (name, ink): (&str, Ink),
    sorted: &[f64],
    law: &L,
) {
    let normal = Normal::standard();
    let n_samples = sorted.len() as f64;
    let ranks = drawn_ranks(sorted.len());
    let score = |rank: usize| normal.inverse_cdf((rank as f64 + 0.5) / n_samples);
    let residual = |x: f64| {
        // Each tail from its own function, so that neither is rounded to 1.
        let (below, above) = (law.cdf(x), law.sf(x));
        let score =
            if below < above { normal.inverse_cdf(below) } else { -normal.inverse_cdf(above) };
        score.clamp(-FARTHEST, FARTHEST)
    };
    let points: Vec<(f64, f64)> =
        ranks.iter().map(|&rank| (score(rank), residual(sorted[rank]))).collect();
    let reach = points.iter().fold(3.0, |far: f64, (x, y)| far.max(x.abs()).max(y.abs())) * 1.04;
    let across = points.iter().fold(3.0, |far: f64, (x, _)| far.max(x.abs())) * 1.04;
    let x = Axis::between("normal score of the rank", Scale::Linear, -across, across);
    let y = Axis::between("normal score under the law", Scale::Linear, -reach, reach);
    let panel = Panel::new(canvas, place, name, x, y);
    let band = ranks.iter().filter_map(|&rank| {
        let law = Beta::new(rank as f64 + 1.0, n_samples - rank as f64).ok()?;
        let [low, high] = [0.025, 0.975].map(|level| normal.inverse_cdf(law.inverse_cdf(level)));
        Some((score(rank), low, high))
    });
    panel.band(band, BAR, 0.6);
    panel.dashed([(-across, -across), (across, across)], MUTED, 1.2);
    for (x, y) in points {
        if let Some(at) = panel.at(x, y) {
            canvas.disc(at, 1.8, ink);
        }
    }
}

/// Every rank of a small sample; of a large one the outermost hundred on each side and an even choice between.
fn drawn_ranks(n_samples: usize) -> Vec<usize> {
    if n_samples <= N_POINTS {
        return (0..n_samples).collect();
    }
    let n_tail = N_POINTS / 4;
    let n_between = N_POINTS - 2 * n_tail;
    let between = (0..n_between).map(|i| n_tail + i * (n_samples - 2 * n_tail) / n_between);
    (0..n_tail).chain(between).chain(n_samples - n_tail..n_samples).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_rise_and_keep_both_tails() {
        for n_samples in [50, 400, 401, 10_000] {
            let ranks = drawn_ranks(n_samples);
            assert!(ranks.len() <= N_POINTS && ranks.windows(2).all(|pair| pair[0] < pair[1]));
            assert_eq!((ranks[0], ranks[ranks.len() - 1]), (0, n_samples - 1));
            assert_eq!((ranks[1], ranks[ranks.len() - 2]), (1, n_samples - 2));
        }
    }

    #[test]
    fn any_sample_is_drawn() {
        let samples: Vec<f64> = (0..500).map(|i| ((i * 37 % 500) as f64 - 250.0).powi(3)).collect();
        let figure = figure(
            &samples,
            Gaussian::new(0., 1e-9).ok(),
            SymmetricStable::new(0.5, 1e-3, 0.).ok(),
        );
        assert!(figure.svg.contains("SαS") && !figure.svg.contains("NaN"), "{}", figure.svg);
        assert!(!super::figure(&samples, None, None).svg.contains("NaN"));
    }
}
