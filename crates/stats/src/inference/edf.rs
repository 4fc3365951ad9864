//! How far the empirical distribution function is from a law.

use statrs::distribution::ContinuousCDF;

/// Three distances between the samples and a law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EdfStatistics {
    /// Kolmogorov and Smirnov: `√n D`, `D = sup |F_n(x) − F(x)|`.
    pub ks: f64,
    /// Cramér and von Mises: `W² = n ∫ (F_n − F)² dF`.
    pub cramer_von_mises: f64,
    /// Anderson and Darling: `A² = n ∫ (F_n − F)² / (F (1 − F)) dF`, the one
    /// that sees the tails. Infinite where the law gives a sample a tail
    /// probability below the range of f64.
    pub anderson_darling: f64,
}

/// Kolmogorov–Smirnov, Cramér–von Mises and Anderson–Darling distance of
/// `samples` from `law`.
///
/// # Formula
///
/// With the samples in ascending order, `u_i = F(x_(i))` and `v_i = S(x_(i))`,
///
/// ```text
/// √n D = √n max_i max(i/n − u_i, u_i − (i − 1)/n)
/// W²   = 1/(12n) + Σ (u_i − (2i − 1)/(2n))²
/// A²   = −n − (1/n) Σ (2i − 1) (ln u_i + ln v_{n+1−i})
/// ```
///
/// Stephens (1974), doi:10.1080/01621459.1974.10480196. The upper tail comes
/// from the survival function and never from `1 − F`, which would lose the
/// outliers of a heavy tail. The cost is one evaluation of `cdf` and `sf` a
/// sample and a sort.
///
/// These are distances; for a law with parameters fitted to the same samples
/// their p-values need [`edf_test_gaussian`](crate::edf_test_gaussian) or
/// [`edf_test_stable`](crate::edf_test_stable).
///
/// # Panics
///
/// If there are no samples.
///
/// # Examples
///
/// ```
/// let law = stats::Gaussian::new(0.0, 1.0)?;
/// let statistics = stats::edf_statistics(&[0.0], &law);
/// assert_eq!(statistics.ks, 0.5);
/// assert!((statistics.cramer_von_mises - 1.0 / 12.0).abs() < 1e-15);
/// assert!((statistics.anderson_darling - (4f64.ln() - 1.0)).abs() < 1e-15);
/// # Ok::<(), stats::StatsError>(())
/// ```
pub fn edf_statistics<L: ContinuousCDF<f64, f64>>(samples: &[f64], law: &L) -> EdfStatistics {
    EdfStatistics::new(samples, |x| (law.cdf(x), law.sf(x)))
}

impl EdfStatistics {
    /// What is said where there is no fitted law.
    pub(super) const UNDEFINED: Self =
        Self { ks: f64::NAN, cramer_von_mises: f64::NAN, anderson_darling: f64::NAN };

    /// The distances from a law of which `tails` gives the probability up to
    /// and beyond a value.
    pub(super) fn new(samples: &[f64], tails: impl Fn(f64) -> (f64, f64)) -> Self {
        assert!(!samples.is_empty(), "a distance from no samples");
        let mut sorted = samples.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let tails: Vec<(f64, f64)> = sorted.into_iter().map(tails).collect();

        let n = tails.len() as f64;
        let mut distance = 0.0_f64;
        let mut squares = 1.0 / (12.0 * n);
        let mut logarithms = 0.0;
        for (i, (&(below, _), &(_, above))) in tails.iter().zip(tails.iter().rev()).enumerate() {
            let i = i as f64;
            distance = distance.max(below - i / n).max((i + 1.0) / n - below);
            squares += (below - (i + 0.5) / n).powi(2);
            logarithms += (2.0 * i + 1.0) * (below.ln() + above.ln());
        }
        Self {
            ks: n.sqrt() * distance,
            cramer_von_mises: squares,
            anderson_darling: -n - logarithms / n,
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::distr::Distribution;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use statrs::distribution::Uniform;

    use super::*;
    use crate::SymmetricStable;

    /// The three integrals over u, by Simpson's rule between the steps of the
    /// empirical distribution function, in O(n²).
    fn slow(u: &[f64]) -> EdfStatistics {
        const N_STEPS: usize = 4000;
        let n = u.len() as f64;
        let mut edges = u.to_vec();
        edges.extend([0.0, 1.0]);
        edges.sort_by(f64::total_cmp);
        let (mut ks, mut squares, mut weighted) = (0.0_f64, 0.0, 0.0);
        for pair in edges.windows(2) {
            let (low, high) = (pair[0], pair[1]);
            let share = u.iter().filter(|&&u| u <= low).count() as f64 / n;
            ks = ks.max((share - low).abs()).max((share - high).abs());
            let simpson = |f: &dyn Fn(f64) -> f64| {
                let h = (high - low) / N_STEPS as f64;
                let at = |k: usize| f(low + h * k as f64);
                let inner: f64 =
                    (1..N_STEPS).map(|k| if k % 2 == 1 { 4.0 * at(k) } else { 2.0 * at(k) }).sum();
                (at(0) + inner + at(N_STEPS)) * h / 3.0
            };
            squares += simpson(&|x| (share - x).powi(2));
            weighted += simpson(&|x| match x {
                0.0 | 1.0 => 0.0, // The limit, since there `share` is 0 or 1.
                _ => (share - x).powi(2) / (x * (1.0 - x)),
            });
        }
        EdfStatistics {
            ks: n.sqrt() * ks,
            cramer_von_mises: n * squares,
            anderson_darling: n * weighted,
        }
    }

    #[test]
    fn agrees_with_the_integrals() {
        let u = [0.31, 0.02, 0.05, 0.61, 0.4, 0.93, 0.99, 0.7, 0.33];
        let fast = edf_statistics(&u, &Uniform::new(0.0, 1.0).unwrap());
        let slow = slow(&u);
        assert!((fast.ks - slow.ks).abs() < 1e-14);
        assert!((fast.cramer_von_mises - slow.cramer_von_mises).abs() < 1e-10);
        assert!((fast.anderson_darling - slow.anderson_darling).abs() < 1e-5);
    }

    /// By hand, with u from a table of the normal law.
    #[test]
    fn by_hand() {
        let law = crate::Gaussian::new(0.0, 1.0).unwrap();
        let statistics = edf_statistics(&[2.1, -0.3, 0.4, 1.7, -2.5, 0.9], &law);
        let u = [0.0062, 0.3821, 0.6554, 0.8159, 0.9554, 0.9821];
        assert!((statistics.ks - 6f64.sqrt() * (u[2] - 2.0 / 6.0)).abs() < 2e-4);
        // (u − (2i − 1)/12)², summed.
        let squares = 0.005_950 + 0.017_450 + 0.056_994 + 0.054_087 + 0.042_189 + 0.004_282;
        assert!((statistics.cramer_von_mises - 1.0 / 72.0 - squares).abs() < 3e-4);
    }

    /// A sample at either end of a Cauchy law changes A² by the same: with
    /// `1 − F` the upper one would be infinite.
    #[test]
    fn both_tails_alike() {
        let law = SymmetricStable::new(1.0, 1.0, 0.0).unwrap();
        let mut samples: Vec<f64> =
            law.sample_iter(ChaCha8Rng::seed_from_u64(1)).take(100).collect();
        samples[0] = 1e200;
        let here = edf_statistics(&samples, &law);
        let mirrored: Vec<f64> = samples.iter().map(|x| -x).collect();
        let there = edf_statistics(&mirrored, &law);
        assert!(here.anderson_darling.is_finite());
        assert!((here.anderson_darling / there.anderson_darling - 1.0).abs() < 1e-12);
        assert!((here.ks - there.ks).abs() < 1e-12);
        assert!((here.cramer_von_mises - there.cramer_von_mises).abs() < 1e-12);
    }
}
