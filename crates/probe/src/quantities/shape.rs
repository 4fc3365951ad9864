//! Moments and quantiles of each series.

use stats::quantile;
use train::Table;

use crate::noise_matrix::NoiseMatrix;

/// Shape of one series of noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Third central moment over the 3/2th power of the second; NaN for a constant series.
    pub skewness: f64,
    /// Fourth central moment over the square of the second, minus 3: 0 for a Gaussian. It says nothing of a law without
    /// fourth moment, where it grows with the number of draws. NaN for a constant series.
    pub excess_kurtosis: f64,
    /// Minimum, [quantiles](stats::quantile()) at 1, 25, 50, 75 and 99 %, maximum.
    pub quantiles: [f64; 7],
}

impl Shape {
    /// Of samples that are not empty.
    pub fn of(samples: &[f64]) -> Self {
        let n = samples.len() as f64;
        let mean = samples.iter().sum::<f64>() / n;
        if samples.iter().all(|x| *x == samples[0]) {
            let undefined = f64::NAN;
            let quantiles = [samples[0]; 7];
            return Self { skewness: undefined, excess_kurtosis: undefined, quantiles };
        }
        // In units of the greatest deviation, so that fourth powers of 1e-100 do not vanish.
        let scale = samples.iter().fold(0f64, |scale, x| scale.max((x - mean).abs()));
        let moment =
            |power: i32| samples.iter().map(|x| ((x - mean) / scale).powi(power)).sum::<f64>() / n;
        let variance = moment(2);
        let mut sorted = samples.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        Self {
            skewness: moment(3) / variance.powf(1.5),
            excess_kurtosis: moment(4) / (variance * variance) - 3.,
            quantiles: [0., 0.01, 0.25, 0.5, 0.75, 0.99, 1.].map(|p| quantile(&sorted, p)),
        }
    }
}

/// The shapes of all series of a matrix.
pub fn shapes(noise: &NoiseMatrix) -> Vec<Shape> {
    (0..noise.n_coordinates()).map(|idx| Shape::of(noise.column(idx))).collect()
}

/// One row per series, without its name.
pub(super) fn shape_table(shapes: &[Shape]) -> Table {
    let reals = |of: &dyn Fn(&Shape) -> f64| shapes.iter().map(of).collect::<Vec<_>>();
    let mut table = Table::new()
        .with_reals("skewness", reals(&|shape| shape.skewness))
        .with_reals("excess_kurtosis", reals(&|shape| shape.excess_kurtosis));
    for (idx, name) in
        ["minimum", "q01", "q25", "median", "q75", "q99", "maximum"].iter().enumerate()
    {
        table = table.with_reals(name, reals(&|shape| shape.quantiles[idx]));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against figures by hand, whatever the unit.
    #[test]
    fn moments_and_quantiles() {
        // Mean 2, second central moment 3.5, third 4.5, fourth 24.5.
        for unit in [1., 1e-120, 1e90] {
            let samples = [0., 5., 1., 2.].map(|x| x * unit);
            let shape = Shape::of(&samples);
            assert!((shape.skewness - 4.5 / 3.5f64.powf(1.5)).abs() < 1e-12);
            assert!((shape.excess_kurtosis - (24.5 / 12.25 - 3.)).abs() < 1e-12);
            let expected = [0., 0.03, 0.75, 1.5, 2.75, 4.91, 5.];
            for (found, expected) in shape.quantiles.iter().zip(expected) {
                assert!((found / unit - expected).abs() < 1e-12, "{found} {expected}");
            }
        }
        // Whose mean is off by rounding.
        assert!(Shape::of(&[0.0012345; 1000]).skewness.is_nan());
    }
}
