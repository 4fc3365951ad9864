//! How far a fitted law is from the samples.

use statrs::distribution::{ChiSquared, Continuous, ContinuousCDF};

use crate::laws::FastStable;
use crate::standardise::Standardised;
use crate::{Gaussian, StatsError};

/// Half the window of the standardised histogram, and its number of bins.
const WINDOW: f64 = 6.0;
const N_BINS: usize = 60;

/// Distances between one fitted law and one series.
///
/// All figures are NaN (and `chi2_cells` is 0) where there is no fitted law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GoodnessOfFit {
    /// Sum of squared errors, standardised: `w Σ (h_k − f̄_k)²` over 60 bins of
    /// width `w = 0.2` on `z ∈ [−6, 6]`, where `z = (x − median) / (IQR/1.349)`,
    /// `h_k = n_k / (N w)` and `f̄_k = (F(e_{k+1}) − F(e_k)) / w`. Free of scale.
    pub sse: f64,
    /// Share of the samples with `|z| > 6`, which `sse` does not see.
    pub mass_outside_observed: f64,
    /// Probability of `|z| > 6` under the fitted law.
    pub mass_outside_fitted: f64,
    /// Sum of squared errors as in Simsekli et al. (2019): `Σ (h_k − f(c_k))²`
    /// over equal bins on `[min, max]` of the samples, density against density
    /// at the bin centres. In units of 1/x², and at the mercy of the greatest
    /// sample.
    pub histogram_sse: f64,
    /// Pearson's `Σ (n_k − N/K)² / (N/K)` over K cells equiprobable under the
    /// fitted law.
    pub chi2: f64,
    /// `K = max(10, round(2 N^0.4))` (Mann and Wald 1942, halved).
    pub chi2_cells: usize,
    /// p-value of `chi2` with K − 1 − p degrees of freedom for p fitted
    /// parameters.
    ///
    /// With parameters fitted to the ungrouped samples the law of `chi2` lies
    /// between this and the next (Chernoff and Lehmann 1954,
    /// doi:10.1214/aoms/1177728726): the true p-value is at least this. A stable
    /// law counts alpha as a parameter also where it is fitted as 2.
    pub chi2_p_lower: f64,
    /// p-value of `chi2` with K − 1 degrees of freedom: the true one is at most
    /// this.
    pub chi2_p_upper: f64,
    /// The same statistic over the K cells that are equiprobable under the
    /// fitted Gaussian: the one to compare between laws.
    pub chi2_common: f64,
}

/// How the histogram of [`GoodnessOfFit::histogram_sse`] is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binning {
    /// Number of equal bins between the smallest and the greatest sample.
    pub histogram_bins: usize,
}

impl Default for Binning {
    /// 100 bins.
    fn default() -> Self {
        Self { histogram_bins: 100 }
    }
}

impl Binning {
    /// Rejects a histogram without bins.
    pub(crate) fn check(self) -> Result<(), StatsError> {
        if self.histogram_bins == 0 {
            Err(StatsError::ZeroCount { name: "histogram_bins" })
        } else {
            Ok(())
        }
    }
}

/// A symmetric law in units of z.
pub(crate) trait SymmetricLaw {
    fn pdf(&self, z: f64) -> f64;
    /// Probability above `z`, with full relative accuracy in the upper tail.
    fn sf(&self, z: f64) -> f64;
    fn centre(&self) -> f64;

    /// Probability up to `z`.
    fn cdf(&self, z: f64) -> f64 {
        self.sf(2.0 * self.centre() - z)
    }

    /// Probabilities between neighbouring edges, which ascend, each from the
    /// nearer tail.
    fn masses(&self, edges: &[f64]) -> Vec<f64> {
        let is_upper = |edge: f64| edge >= self.centre();
        let tail = |edge: f64| if is_upper(edge) { self.sf(edge) } else { self.cdf(edge) };
        let mut below = tail(edges[0]);
        let between = |pair: &[f64]| {
            let here = tail(pair[1]);
            let mass = match (is_upper(pair[0]), is_upper(pair[1])) {
                (true, _) => below - here,
                (false, false) => here - below,
                (false, true) => self.cdf(pair[1]) - below,
            };
            below = here;
            mass
        };
        edges.windows(2).map(between).collect()
    }
}

impl SymmetricLaw for Gaussian {
    fn pdf(&self, z: f64) -> f64 {
        Continuous::pdf(self, z)
    }

    fn sf(&self, z: f64) -> f64 {
        ContinuousCDF::sf(self, z)
    }

    fn centre(&self) -> f64 {
        self.mean()
    }
}

impl SymmetricLaw for FastStable {
    fn pdf(&self, z: f64) -> f64 {
        self.pdf(z)
    }

    fn sf(&self, z: f64) -> f64 {
        self.sf(z)
    }

    fn centre(&self) -> f64 {
        self.delta()
    }
}

/// Cells that are equiprobable under a Gaussian, with the samples counted.
pub(crate) struct CommonCells {
    /// From minus infinity to infinity.
    edges: Vec<f64>,
    counts: Vec<usize>,
}

impl CommonCells {
    /// Counts samples in ascending order.
    pub(crate) fn new(z: &[f64], gaussian: &Gaussian) -> Self {
        let n_cells = n_cells(z.len());
        let inner = (1..n_cells).map(|k| gaussian.inverse_cdf(k as f64 / n_cells as f64));
        let ends = (f64::NEG_INFINITY, f64::INFINITY);
        let edges = [ends.0].into_iter().chain(inner).chain([ends.1]).collect();
        Self { edges, counts: equiprobable_counts(z, gaussian, n_cells) }
    }

    fn chi2(&self, law: &impl SymmetricLaw) -> f64 {
        let n_samples: usize = self.counts.iter().sum();
        let masses = law.masses(&self.edges);
        let term = |(&count, mass): (&usize, f64)| {
            let expected = n_samples as f64 * mass;
            (count as f64 - expected).powi(2) / expected
        };
        self.counts.iter().zip(masses).map(term).sum()
    }
}

impl GoodnessOfFit {
    /// What is said where there is no fitted law.
    pub(crate) const UNDEFINED: Self = Self {
        sse: f64::NAN,
        mass_outside_observed: f64::NAN,
        mass_outside_fitted: f64::NAN,
        histogram_sse: f64::NAN,
        chi2: f64::NAN,
        chi2_cells: 0,
        chi2_p_lower: f64::NAN,
        chi2_p_upper: f64::NAN,
        chi2_common: f64::NAN,
    };

    /// Compares `law`, in units of z, with the series it was fitted to.
    pub(crate) fn new(
        series: &Standardised,
        law: &impl SymmetricLaw,
        n_parameters: usize,
        common: &CommonCells,
        binning: Binning,
    ) -> Self {
        let z = &series.z;
        let inside = z.iter().filter(|z| z.abs() <= WINDOW).count();
        let chi2_cells = n_cells(z.len());
        let chi2 = chi2_equiprobable(&equiprobable_counts(&series.sorted, law, chi2_cells));
        let p_value =
            |degrees: usize| ChiSquared::new(degrees as f64).expect("at least ten cells").sf(chi2);
        Self {
            sse: standardised_sse(z, law),
            mass_outside_observed: (z.len() - inside) as f64 / z.len() as f64,
            mass_outside_fitted: law.sf(WINDOW) + law.cdf(-WINDOW),
            histogram_sse: histogram_sse(series, law, binning.histogram_bins),
            chi2,
            chi2_cells,
            chi2_p_lower: p_value(chi2_cells - 1 - n_parameters),
            chi2_p_upper: p_value(chi2_cells - 1),
            chi2_common: common.chi2(law),
        }
    }
}

fn standardised_sse(z: &[f64], law: &impl SymmetricLaw) -> f64 {
    let width = 2.0 * WINDOW / N_BINS as f64;
    let counts = histogram(z, -WINDOW, WINDOW, N_BINS);
    let edges: Vec<f64> = (0..=N_BINS).map(|k| k as f64 * width - WINDOW).collect();
    let squares = counts.iter().zip(law.masses(&edges)).map(|(&count, fitted)| {
        let observed = count as f64 / z.len() as f64;
        ((observed - fitted) / width).powi(2)
    });
    width * squares.sum::<f64>()
}

fn histogram_sse(series: &Standardised, law: &impl SymmetricLaw, n_bins: usize) -> f64 {
    let (low, high) = (series.z_of(series.range.0), series.z_of(series.range.1));
    let width = (high - low) / n_bins as f64;
    let counts = histogram(&series.z, low, high, n_bins);
    let squares = counts.iter().enumerate().map(|(k, &count)| {
        let observed = count as f64 / (series.z.len() as f64 * width);
        let fitted = law.pdf(low + (k as f64 + 0.5) * width);
        ((observed - fitted) / series.scale).powi(2)
    });
    squares.sum()
}

/// Counts in equal bins, each with its lower edge and the last with both;
/// samples outside `[low, high]` are left out.
fn histogram(z: &[f64], low: f64, high: f64, n_bins: usize) -> Vec<usize> {
    let mut counts = vec![0; n_bins];
    for &z in z.iter().filter(|&&z| low <= z && z <= high) {
        let bin = ((z - low) / (high - low) * n_bins as f64) as usize;
        counts[bin.min(n_bins - 1)] += 1;
    }
    counts
}

/// Number of cells of the χ² test.
fn n_cells(n_samples: usize) -> usize {
    ((2.0 * (n_samples as f64).powf(0.4)).round() as usize).max(10)
}

/// Counts in cells equiprobable under `law` of samples in ascending order.
fn equiprobable_counts(sorted: &[f64], law: &impl SymmetricLaw, n_cells: usize) -> Vec<usize> {
    let mut begin = 0;
    let ends = (1..n_cells).map(|cell| {
        begin += first_at_least(&sorted[begin..], |z| law.cdf(z) * n_cells as f64, cell as f64);
        begin
    });
    let ends: Vec<usize> = ends.chain([sorted.len()]).collect();
    let begins = [0].into_iter().chain(ends.iter().copied());
    begins.zip(&ends).map(|(begin, end)| end - begin).collect()
}

/// How many samples in ascending order have an increasing function below a
/// value: in doubling steps, for the answer is near.
fn first_at_least(sorted: &[f64], function: impl Fn(f64) -> f64, value: f64) -> usize {
    let mut end = 8;
    while end < sorted.len() && function(sorted[end]) < value {
        end *= 2;
    }
    let begin = if end == 8 { 0 } else { end / 2 };
    let end = end.min(sorted.len());
    begin + sorted[begin..end].partition_point(|&z| function(z) < value)
}

fn chi2_equiprobable(counts: &[usize]) -> f64 {
    let expected = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
    counts.iter().map(|&count| (count as f64 - expected).powi(2) / expected).sum()
}

#[cfg(test)]
mod tests {
    use rand::distr::Distribution;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::{Comparison, Location, SymmetricStable, compare};

    fn samples(n_samples: usize) -> Vec<f64> {
        let law = SymmetricStable::new(1.5, 2e-4, 3e-4).unwrap();
        law.sample_iter(ChaCha8Rng::seed_from_u64(7)).take(n_samples).collect()
    }

    fn comparison(n_samples: usize) -> Comparison {
        compare(&samples(n_samples), Location::Free, Binning { histogram_bins: 30 }).unwrap()
    }

    /// The definitions, word by word, with the laws in the units of the samples.
    fn slow_sse(samples: &[f64], law: &impl ContinuousCDF<f64, f64>) -> f64 {
        let series = Standardised::new(samples).unwrap();
        let (w, n) = (0.2, samples.len() as f64);
        let mut sum = 0.0;
        for k in 0..60 {
            let (low, high) = (-6.0 + 0.2 * f64::from(k), -6.0 + 0.2 * f64::from(k + 1));
            let count = series.z.iter().filter(|&&z| low <= z && z < high).count();
            let mass = law.cdf(series.x_of(high)) - law.cdf(series.x_of(low));
            sum += (count as f64 / (n * w) - mass / w).powi(2);
        }
        w * sum
    }

    fn slow_histogram_sse(samples: &[f64], law: &impl Continuous<f64, f64>, n_bins: usize) -> f64 {
        let low = samples.iter().copied().fold(f64::INFINITY, f64::min);
        let high = samples.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let width = (high - low) / n_bins as f64;
        let mut sum = 0.0;
        for k in 0..n_bins {
            let (left, right) = (low + k as f64 * width, low + (k + 1) as f64 * width);
            let is_last = k == n_bins - 1;
            let count = samples.iter().filter(|&&x| left <= x && (x < right || is_last)).count();
            let density = count as f64 / (samples.len() as f64 * width);
            sum += (density - law.pdf(0.5 * (left + right))).powi(2);
        }
        sum
    }

    /// χ² of `law` over the cells equiprobable under `cells`.
    fn slow_chi2(
        samples: &[f64],
        law: &impl ContinuousCDF<f64, f64>,
        cells: &impl ContinuousCDF<f64, f64>,
    ) -> f64 {
        let n = samples.len() as f64;
        let k = f64::max(10.0, (2.0 * n.powf(0.4)).round());
        let mut sum = 0.0;
        for cell in 0..k as usize {
            let low = cells.inverse_cdf(cell as f64 / k);
            let high = cells.inverse_cdf((cell + 1) as f64 / k);
            let count = samples.iter().filter(|&&x| low < x && x <= high).count();
            let expected = n * (law.cdf(high) - law.cdf(low));
            sum += (count as f64 - expected).powi(2) / expected;
        }
        sum
    }

    fn assert_close(value: f64, expected: f64) {
        assert!((value / expected - 1.0).abs() < 1e-6, "{value}, not {expected}");
    }

    #[test]
    fn agrees_with_the_definitions() {
        let samples = samples(700);
        let Comparison { gaussian, stable, gaussian_fit, stable_fit, .. } = comparison(700);
        let (gaussian, stable) = (gaussian.law, stable.law);

        assert_close(gaussian_fit.sse, slow_sse(&samples, &gaussian));
        assert_close(stable_fit.sse, slow_sse(&samples, &stable));
        assert_close(gaussian_fit.histogram_sse, slow_histogram_sse(&samples, &gaussian, 30));
        assert_close(stable_fit.histogram_sse, slow_histogram_sse(&samples, &stable, 30));
        assert_close(gaussian_fit.chi2, slow_chi2(&samples, &gaussian, &gaussian));
        assert_close(stable_fit.chi2, slow_chi2(&samples, &stable, &stable));
        assert_close(gaussian_fit.chi2_common, gaussian_fit.chi2);
        assert_close(stable_fit.chi2_common, slow_chi2(&samples, &stable, &gaussian));

        let series = Standardised::new(&samples).unwrap();
        let outside = series.z.iter().filter(|z| z.abs() > 6.0).count() as f64 / 700.0;
        assert_eq!(stable_fit.mass_outside_observed, outside);
        assert_eq!(gaussian_fit.mass_outside_observed, outside);
        let mass = stable.cdf(series.x_of(-6.0)) + stable.sf(series.x_of(6.0));
        assert_close(stable_fit.mass_outside_fitted, mass);
    }

    /// `round(2 · 700^0.4) = 27` cells; p-values from tables of χ²: 38.885 is the
    /// 5 % point at 26 degrees of freedom, 35.172 the one at 23.
    #[test]
    fn p_values() {
        let fit = comparison(700).stable_fit;
        assert_eq!(fit.chi2_cells, 27);
        assert!(fit.chi2_p_lower <= fit.chi2_p_upper);
        let sf = |degrees: f64, chi2: f64| ChiSquared::new(degrees).unwrap().sf(chi2);
        assert!((sf(26.0, 38.885) - 0.05).abs() < 1e-5);
        assert!((sf(23.0, 35.172) - 0.05).abs() < 1e-5);
        assert_eq!(fit.chi2_p_upper, sf(26.0, fit.chi2));
        assert_eq!(fit.chi2_p_lower, sf(23.0, fit.chi2));
        let fixed = compare(&samples(700), Location::Fixed(3e-4), Binning::default()).unwrap();
        assert_eq!(fixed.stable_fit.chi2_p_lower, sf(24.0, fixed.stable_fit.chi2));
        assert_eq!(fixed.gaussian_fit.chi2_p_lower, sf(25.0, fixed.gaussian_fit.chi2));
    }

    /// Both ends belong to the histogram, what is beyond does not.
    #[test]
    fn edges_of_a_histogram() {
        let z = [-6.0, -5.9, -5.8, 0.0, 5.99, 6.0, 6.01, f64::INFINITY, -6.01];
        let counts = histogram(&z, -6.0, 6.0, 60);
        assert_eq!(counts.iter().sum::<usize>(), 6);
        assert_eq!((counts[0], counts[30], counts[59]), (2, 1, 2));
    }
}
