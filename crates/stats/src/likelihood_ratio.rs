//! The law of the likelihood ratio when the noise is Gaussian.

mod table;

use rand::Rng;
use rand::distr::Distribution;
use rayon::prelude::*;

use crate::fits::{fit_gaussian_to, fit_symmetric_stable_to};
use crate::standardise::Standardised;
use crate::{Gaussian, Location, StatsError};

/// Likelihood ratios of simulated Gaussian series.
///
/// # Why is it simulated?
///
/// Wilks' theorem does not hold: α = 2 is the boundary of the stable laws, and
/// the score there has no variance, so that not even the half-half mixture of
/// χ² laws is right. About 84 % of the ratios are exactly 0; the 95 % point is
/// about .8 at N = 1000 where the mixture would have 2.7. The ratio is free of
/// location and scale, so that one table serves every parameter with the same
/// number of samples.
///
/// [`LikelihoodRatioNull::tabulated`] is the one to use;
/// [`LikelihoodRatioNull::simulate`] made its table.
#[derive(Debug, Clone, PartialEq)]
pub struct LikelihoodRatioNull {
    n_replicates: usize,
    /// The ratios above 0, ascending; all others are 0.
    positive: Vec<f64>,
}

impl LikelihoodRatioNull {
    /// The null for series of `n_samples`, from a table that is part of the
    /// crate.
    ///
    /// The table holds simulated quantiles for N from 50 to 100,000 and for
    /// both kinds of location; what is between two N is interpolated in ln N,
    /// and beyond either end the end is taken. The share of positive ratios
    /// falls slowly (.160, .128, .100 at 1000, 10⁴, 10⁵), so that for more than
    /// 100,000 samples the p-value errs to the safe side. The smallest p-value
    /// it can give is `1 / (n_replicates + 1)`, some 2e-5 at N = 1000; at least
    /// four simulated series went beyond it. The program that makes the table
    /// is `examples/likelihood_ratio_null.rs`.
    ///
    /// Costs about 0.3 ms. A fixed location is taken as known, whatever
    /// its value.
    ///
    /// # Examples
    ///
    /// ```
    /// use stats::{LikelihoodRatioNull, Location};
    ///
    /// let null = LikelihoodRatioNull::tabulated(1000, Location::Free);
    /// assert!((null.share_of_zeros() - 0.84).abs() < 0.01);
    /// assert!((null.quantile(0.95) - 0.87).abs() < 0.05);
    /// assert_eq!(null.p_value(0.0), 1.0);
    /// ```
    pub fn tabulated(n_samples: usize, location: Location) -> Self {
        table::null(n_samples, location)
    }

    /// Draws `n_replicates` Gaussian series of `n_samples` each and fits both
    /// laws to each.
    ///
    /// Replicate `r` draws from `rng_of(r)`; replicates are spread over the
    /// threads of rayon and the result does not depend on their number. A fixed
    /// `location` is taken as known to the fits, whatever its value.
    ///
    /// # Errors
    ///
    /// Fewer than 50 samples, no replicate, a fixed location that is not
    /// finite.
    pub fn simulate<R: Rng + Send>(
        n_samples: usize,
        location: Location,
        n_replicates: usize,
        rng_of: impl Fn(u64) -> R + Sync,
    ) -> Result<Self, StatsError> {
        location.check()?;
        if n_replicates == 0 {
            return Err(StatsError::ZeroCount { name: "n_replicates" });
        }
        let location = match location {
            Location::Free => Location::Free,
            Location::Fixed(_) => Location::Fixed(0.0),
        };
        let mut positive = (0..n_replicates as u64)
            .into_par_iter()
            .map(|replicate| null_ratio(n_samples, location, &mut rng_of(replicate)))
            .collect::<Result<Vec<f64>, _>>()?;
        positive.retain(|&ratio| ratio > 0.0);
        positive.sort_unstable_by(f64::total_cmp);
        Ok(Self { n_replicates, positive })
    }

    /// `(1 + #{LR* ≥ LR}) / (R + 1)` over the R replicates; NaN for NaN.
    ///
    /// The 1 counts the observed series itself: the p-value is valid for every
    /// R, and never 0.
    pub fn p_value(&self, likelihood_ratio: f64) -> f64 {
        if likelihood_ratio.is_nan() {
            f64::NAN
        } else if likelihood_ratio <= 0.0 {
            1.0
        } else {
            let below = self.positive.partition_point(|&null| null < likelihood_ratio);
            (1 + self.positive.len() - below) as f64 / (self.n_replicates + 1) as f64
        }
    }

    /// The smallest simulated ratio that is not exceeded by a share of at least
    /// `level`; the smallest or greatest of all for a `level` outside (0, 1).
    pub fn quantile(&self, level: f64) -> f64 {
        let rank = (level * self.n_replicates as f64).ceil() as usize;
        let n_zeros = self.n_replicates - self.positive.len();
        match rank.clamp(1, self.n_replicates) {
            rank if rank <= n_zeros => 0.0,
            rank => self.positive[rank - n_zeros - 1],
        }
    }

    /// Share of the series whose likelihood is greatest at `alpha = 2`.
    pub fn share_of_zeros(&self) -> f64 {
        1.0 - self.positive.len() as f64 / self.n_replicates as f64
    }

    /// Number of simulated series, or how many the table is as good as.
    pub fn n_replicates(&self) -> usize {
        self.n_replicates
    }
}

/// The likelihood ratio of one Gaussian series.
fn null_ratio(n_samples: usize, location: Location, rng: &mut impl Rng) -> Result<f64, StatsError> {
    let standard = Gaussian::new(0.0, 1.0)?;
    let samples: Vec<f64> = standard.sample_iter(rng).take(n_samples).collect();
    let series = Standardised::new(&samples)?;
    let gaussian = fit_gaussian_to(&series, location);
    let stable = fit_symmetric_stable_to(&series, location, &gaussian);
    Ok(2.0 * (stable.ln_likelihood - gaussian.ln_likelihood))
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn simulate(n_samples: usize, n_replicates: usize) -> LikelihoodRatioNull {
        let rng_of = ChaCha8Rng::seed_from_u64;
        LikelihoodRatioNull::simulate(n_samples, Location::Free, n_replicates, rng_of).unwrap()
    }

    /// By hand, on the ratios 0, 0, 0, 1, 4.
    #[test]
    fn p_values_and_quantiles() {
        let null = LikelihoodRatioNull { n_replicates: 5, positive: vec![1.0, 4.0] };
        assert_eq!(null.p_value(0.0), 1.0);
        assert_eq!(null.p_value(0.5), 3.0 / 6.0);
        assert_eq!(null.p_value(4.0), 2.0 / 6.0);
        assert_eq!(null.p_value(5.0), 1.0 / 6.0);
        assert!(null.p_value(f64::NAN).is_nan());
        assert_eq!(
            [0.0, 0.6, 0.61, 0.8, 1.0].map(|level| null.quantile(level)),
            [0.0, 0.0, 1.0, 1.0, 4.0]
        );
        assert_eq!((null.n_replicates(), null.share_of_zeros()), (5, 0.6));
    }

    #[test]
    fn the_same_for_any_number_of_threads() {
        let with_threads = |n_threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| simulate(100, 64))
        };
        assert_eq!(with_threads(1), with_threads(3));
    }

    /// A location known to be 5 is as good as one known to be 0.
    #[test]
    fn a_fixed_location_need_not_be_zero() {
        let at = |value| {
            let location = Location::Fixed(value);
            LikelihoodRatioNull::simulate(60, location, 20, ChaCha8Rng::seed_from_u64).unwrap()
        };
        assert_eq!(at(5.0), at(0.0));
    }

    #[test]
    fn refuses_what_cannot_be_simulated() {
        let message = |n_samples, location, n_replicates| {
            let rng_of = ChaCha8Rng::seed_from_u64;
            LikelihoodRatioNull::simulate(n_samples, location, n_replicates, rng_of)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(message(60, Location::Free, 0), "n_replicates = 0, at least 1 is needed");
        assert_eq!(
            message(49, Location::Free, 1),
            "series of length 49, at least 50 samples are needed"
        );
        assert_eq!(
            message(60, Location::Fixed(f64::NAN), 1),
            "location = NaN is not a finite number"
        );
    }

    /// Share of zeros .84 with standard error .008, 95 % point .87: wide limits,
    /// the narrow ones are below.
    #[test]
    fn null_at_a_thousand_samples() {
        let null = simulate(1000, 2000);
        assert!((null.share_of_zeros() - 0.84).abs() < 0.04, "{}", null.share_of_zeros());
        assert!((0.5..1.3).contains(&null.quantile(0.95)), "{}", null.quantile(0.95));
    }

    /// `cargo test --release -p noisescope-stats -- --ignored --nocapture null_figures`
    ///
    /// The figures of an independent Monte Carlo; the 99 % points of 50,000
    /// replicates have a standard error of .06.
    #[test]
    #[ignore = "two minutes"]
    fn null_figures() {
        for (n_samples, zeros, at_95, at_99) in
            [(300, 0.84, 0.91, 3.2), (1000, 0.84, 0.87, 3.4), (10_000, 0.87, 0.64, 2.9)]
        {
            let null = simulate(n_samples, if n_samples < 10_000 { 50_000 } else { 10_000 });
            let figures = (null.share_of_zeros(), null.quantile(0.95), null.quantile(0.99));
            println!(
                "N = {n_samples}: P(0) = {:.3}, 95 %: {:.2}, 99 %: {:.2}",
                figures.0, figures.1, figures.2
            );
            assert!((figures.0 - zeros).abs() < 0.02);
            assert!((figures.1 - at_95).abs() < 0.15);
            assert!((figures.2 - at_99).abs() < 0.5);
        }
    }
}
