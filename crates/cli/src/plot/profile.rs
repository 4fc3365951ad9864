//! The profile likelihood of α.

use super::axis::{Axis, Scale};
use super::canvas::Canvas;
use super::panel::{Panel, Place};
use super::style::{DATA, MUTED, STABLE};
use super::{Figure, WIDTH, number};

/// A profile: pairs of α and the greatest log likelihood with that α, and the 95 % interval read off it.
pub struct Profile {
    /// The curve, by increasing α.
    pub curve: Vec<(f64, f64)>,
    /// Lower and upper end of the interval for α.
    pub interval: (f64, f64),
}

/// Half the 95 % point of χ² with one degree of freedom.
const DROP: f64 = 1.920_729;

/// The curve less its maximum, with the interval.
pub fn figure(profile: &Profile) -> Figure {
    let (low, high) = profile.interval;
    let title = "Profile likelihood of α".to_owned();
    let caption = format!(
        "Greatest log likelihood with α held, less its maximum. The dashed line lies ½ χ²₁(0.95) = 1.92 \
         below; where the curve is above it, α is in the 95 % interval, {} to {}. Its maximum at α = 2 \
         is the Gaussian, and the interval is then one-sided.",
        number::significant(low, 3),
        number::significant(high, 3)
    );
    let top = profile.curve.iter().map(|(_, l)| *l).fold(f64::NEG_INFINITY, f64::max);
    let svg = Canvas::paint((WIDTH, 346.0), "profile", &title, &caption, |canvas| {
        let place = Place { left: 72.0, top: 34.0, width: WIDTH - 96.0, height: 250.0 };
        let alphas = profile.curve.iter().map(|(alpha, _)| *alpha);
        let x = Axis::covering("stability index α", Scale::Linear, alphas);
        let y = Axis::between("log likelihood less maximum", Scale::Linear, -4.0 * DROP, 0.4);
        let panel = Panel::new(canvas, place, "", x, y);
        panel.dashed([(0.0, -DROP), (2.5, -DROP)], MUTED, 1.2);
        panel.line([(low, -DROP), (high, -DROP)], DATA, 3.0);
        panel.line(profile.curve.iter().map(|(alpha, l)| (*alpha, l - top)), STABLE, 2.0);
    });
    Figure { file: "profile.svg", title, caption, svg }
}
