//! Heavy-tailed laws beside the stable one, most of them of finite variance.
//!
//! Laplace noise is fitted by α = 1.62 and Student's law with 3 degrees of
//! freedom by α = 1.61, and both are far better fitted so than by the Gaussian.
//! Whether the noise is stable can only be said beside laws that are heavy and
//! not stable.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::information::{InformationCriteria, information_criteria};
use super::law::Law;
use crate::fits::{
    fit_gaussian_mixture_to, fit_generalised_gaussian_to, fit_laplace_to, fit_student_t_to,
    ln_likelihood_of_student_t,
};
use crate::standardise::Standardised;
use crate::{
    Binning, Comparison, Fit, GaussianMixture, GeneralisedGaussian, Laplace, Location, StatsError,
    StudentT, compare,
};

/// How well one law fits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LawScore {
    /// The law.
    pub law: Law,
    /// Its greatest log likelihood.
    pub ln_likelihood: f64,
    /// The likelihood with the parameters paid for.
    pub criteria: InformationCriteria,
    /// Pearson's χ² over the cells equiprobable under the fitted law, as
    /// [`GoodnessOfFit::chi2`](crate::GoodnessOfFit).
    pub chi2: f64,
    /// Its p-value with K − 1 − p degrees of freedom, as
    /// [`GoodnessOfFit::chi2_p_lower`](crate::GoodnessOfFit).
    pub chi2_p_lower: f64,
}

/// The rivals of the stable law, fitted to one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rivals {
    /// Student's law of greatest likelihood.
    pub student_t: Fit<StudentT>,
    /// The Laplace law of greatest likelihood.
    pub laplace: Fit<Laplace>,
    /// The generalised Gaussian of greatest likelihood.
    pub generalised_gaussian: Fit<GeneralisedGaussian>,
    /// The mixture of two Gaussians of greatest likelihood.
    pub gaussian_mixture: Fit<GaussianMixture>,
    /// The greatest log likelihood of Student's law with ν = 2, where its variance
    /// ceases to be finite.
    pub student_t_at_two: f64,
    /// All six laws, in the order of [`Law::ALL`].
    pub scores: [LawScore; 6],
}

/// Fits all six laws to one series.
///
/// [`compare`] does the same wherever alpha is fitted below 2;
/// this is for the series where it is not, or where nothing else is wanted.
/// Figures of a law that could not be fitted are NaN.
///
/// # Errors
///
/// Fewer than 50 samples, a NaN or infinite sample, a fixed location that is
/// not finite.
pub fn rivals(samples: &[f64], location: Location) -> Result<Rivals, StatsError> {
    let comparison = compare(samples, location, Binning::default())?;
    match comparison.rivals {
        Some(rivals) => Ok(rivals),
        None => Ok(Rivals::beside(&comparison, &Standardised::new(samples)?, location)),
    }
}

impl Rivals {
    /// Fits the rivals of a series that has been compared.
    pub(crate) fn beside(
        comparison: &Comparison,
        series: &Standardised,
        location: Location,
    ) -> Self {
        let student_t = fit_student_t_to(series, location);
        let laplace = fit_laplace_to(series, location);
        let generalised_gaussian = fit_generalised_gaussian_to(series, location);
        let gaussian_mixture = fit_gaussian_mixture_to(series, location);
        let student_t_at_two = ln_likelihood_of_student_t(series, location, 2.0, &student_t);
        let n_samples = series.sorted.len();

        let score = |law: Law, ln_likelihood: f64, chi2: f64, chi2_p_lower: f64| {
            let criteria =
                information_criteria(ln_likelihood, law.n_parameters(location), n_samples);
            LawScore { law, ln_likelihood, criteria, chi2, chi2_p_lower }
        };
        let Comparison { gaussian, gaussian_fit, stable, stable_fit, .. } = comparison;
        let chi2_cells = gaussian_fit.chi2_cells;
        let rival = |law: Law, ln_likelihood: f64, chi2: f64| {
            let chi2_p_lower = p_value(chi2, chi2_cells, law.n_parameters(location));
            score(law, ln_likelihood, chi2, chi2_p_lower)
        };
        let scores = [
            score(
                Law::Gaussian,
                gaussian.ln_likelihood,
                gaussian_fit.chi2,
                gaussian_fit.chi2_p_lower,
            ),
            score(
                Law::SymmetricStable,
                stable.ln_likelihood,
                stable_fit.chi2,
                stable_fit.chi2_p_lower,
            ),
            rival(Law::StudentT, student_t.ln_likelihood, chi2(series, &student_t, chi2_cells)),
            rival(Law::Laplace, laplace.ln_likelihood, chi2(series, &laplace, chi2_cells)),
            rival(
                Law::GeneralisedGaussian,
                generalised_gaussian.ln_likelihood,
                chi2(series, &generalised_gaussian, chi2_cells),
            ),
            rival(
                Law::GaussianMixture,
                gaussian_mixture.ln_likelihood,
                chi2(series, &gaussian_mixture, chi2_cells),
            ),
        ];
        Self {
            student_t,
            laplace,
            generalised_gaussian,
            gaussian_mixture,
            student_t_at_two,
            scores,
        }
    }

    /// What is said of one law.
    pub fn score(&self, law: Law) -> &LawScore {
        self.scores.iter().find(|score| score.law == law).expect("all laws are scored")
    }

    /// The law with the smallest BIC, or `None` if none could be fitted.
    pub fn best(&self) -> Option<&LawScore> {
        least_bic(self.scores.iter())
    }

    /// The law of finite variance with the smallest AIC among those that χ² does
    /// not reject at `level`. Student's law is one where its ν is above 2.
    pub fn best_adequate_of_finite_variance(&self, level: f64) -> Option<&LawScore> {
        self.of_finite_variance()
            .filter(|score| score.chi2_p_lower > level && !score.criteria.aic.is_nan())
            .min_by(|a, b| a.criteria.aic.total_cmp(&b.criteria.aic))
    }

    /// AIC of the best law of finite variance minus that of the stable one:
    /// positive where the stable law is better.
    ///
    /// Laws of finite variance are the Gaussian, Laplace's, the generalised
    /// Gaussian, the mixture of two Gaussians and Student's with ν ≥ 2, for which
    /// the likelihood is the greatest over these ν.
    pub fn stable_lead(&self) -> f64 {
        self.least_aic_of_finite_variance() - self.score(Law::SymmetricStable).criteria.aic
    }

    /// AIC of the best law of finite variance minus that of the best of infinite
    /// variance, which is the stable law or Student's with ν ≤ 2.
    pub fn infinite_variance_lead(&self) -> f64 {
        self.least_aic_of_finite_variance() - self.least_aic_of_infinite_variance()
    }

    pub(crate) fn least_aic_of_infinite_variance(&self) -> f64 {
        let [up_to_two, _] = self.student_t_aic();
        // The minimum of a number and NaN is the number.
        self.score(Law::SymmetricStable).criteria.aic.min(up_to_two)
    }

    pub(crate) fn least_aic_of_finite_variance(&self) -> f64 {
        let [_, from_two] = self.student_t_aic();
        self.of_finite_variance().map(|score| score.criteria.aic).fold(from_two, f64::min)
    }

    /// AIC of Student's law with ν ≤ 2.
    pub(crate) fn student_t_aic_up_to_two(&self) -> f64 {
        self.student_t_aic()[0]
    }

    /// AIC of Student's law with ν ≤ 2 and with ν ≥ 2.
    fn student_t_aic(&self) -> [f64; 2] {
        let score = self.score(Law::StudentT);
        let at_two = score.criteria.aic + 2.0 * (score.ln_likelihood - self.student_t_at_two);
        if self.student_t.law.nu() > 2.0 {
            [at_two, score.criteria.aic]
        } else {
            [score.criteria.aic, at_two]
        }
    }

    fn of_finite_variance(&self) -> impl Iterator<Item = &LawScore> {
        self.scores.iter().filter(|score| match score.law {
            Law::SymmetricStable => false,
            Law::StudentT => self.student_t.law.nu() > 2.0,
            Law::Gaussian | Law::Laplace | Law::GeneralisedGaussian | Law::GaussianMixture => true,
        })
    }

    /// The best among those that are neither Gaussian nor stable.
    pub fn best_rival(&self) -> Option<&LawScore> {
        least_bic(self.of_rivals())
    }

    fn of_rivals(&self) -> impl Iterator<Item = &LawScore> {
        let is_rival = |law| !matches!(law, Law::Gaussian | Law::SymmetricStable);
        self.scores.iter().filter(move |score| is_rival(score.law))
    }
}

fn least_bic<'a>(scores: impl Iterator<Item = &'a LawScore>) -> Option<&'a LawScore> {
    scores
        .filter(|score| !score.criteria.bic.is_nan())
        .min_by(|a, b| a.criteria.bic.total_cmp(&b.criteria.bic))
}

/// Pearson's statistic over cells that are equiprobable under the fitted law.
///
/// A law that fits puts the edge below the share p of the probability near the
/// sample of rank pN, which is where the search for it begins.
fn chi2<L: ContinuousCDF<f64, f64>>(series: &Standardised, fit: &Fit<L>, n_cells: usize) -> f64 {
    if n_cells == 0 || fit.status.is_degenerate() {
        return f64::NAN;
    }
    let n_samples = series.sorted.len();
    let expected = n_samples as f64 / n_cells as f64;
    let cdf = |rank: usize| fit.law.cdf(series.x_of(series.sorted[rank]));
    let mut n_below = 0;
    let mut chi2 = 0.0;
    for cell in 1..=n_cells {
        let n_up_to = if cell == n_cells {
            n_samples
        } else {
            n_up_to(cell as f64 / n_cells as f64, n_samples, cdf)
        };
        chi2 += ((n_up_to - n_below) as f64 - expected).powi(2) / expected;
        n_below = n_up_to;
    }
    chi2
}

/// The number of ranks with `cdf(rank) <= p`.
fn n_up_to(p: f64, n: usize, cdf: impl Fn(usize) -> f64) -> usize {
    // All ranks below `low` belong to it, none from `high` on does.
    let (mut low, mut high) = (0, n);
    let mut rank = (p * n as f64) as usize;
    // From rank to rank a function that fits grows by 1/N; one that does not is
    // searched by bisection.
    let mut steps = 0;
    while low < high {
        let excess = p - cdf(rank);
        if excess >= 0.0 {
            low = rank + 1;
        } else {
            high = rank;
        }
        steps += 1;
        let by_excess = rank as f64 + excess * n as f64;
        rank = if steps < 6 { by_excess.max(0.0) as usize } else { (low + high) / 2 };
        rank = rank.clamp(low, high.max(low + 1) - 1);
    }
    low
}

fn p_value(chi2: f64, n_cells: usize, n_parameters: usize) -> f64 {
    if chi2.is_nan() {
        return f64::NAN;
    }
    let degrees = (n_cells - 1 - n_parameters) as f64;
    ChiSquared::new(degrees).expect("at least ten cells").sf(chi2)
}

#[cfg(test)]
mod tests {
    use rand::distr::Distribution;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use statrs::distribution::Continuous;

    use super::*;
    use crate::SymmetricStable;

    fn draws(law: impl Distribution<f64>, n_samples: usize, seed: u64) -> Vec<f64> {
        law.sample_iter(ChaCha8Rng::seed_from_u64(seed)).take(n_samples).collect()
    }

    /// At N = 4000 the true law has the lowest BIC and is not rejected at 1 %.
    #[test]
    fn find_the_truth() {
        let check = |law: Law, samples: &[f64]| {
            let rivals = rivals(samples, Location::Free).unwrap();
            let best = rivals.best().unwrap();
            assert_eq!(best.law, law);
            assert!(best.chi2_p_lower > 0.01, "{best:?}");
            assert_eq!(rivals.score(law), best);
        };
        check(Law::Gaussian, &draws(SymmetricStable::new(2.0, 1e-3, 0.0).unwrap(), 4000, 1));
        check(Law::SymmetricStable, &draws(SymmetricStable::new(1.6, 1e3, 9.0).unwrap(), 4000, 2));
        check(Law::StudentT, &draws(StudentT::new(3.0, 1.0, 1e-5).unwrap(), 4000, 3));
        check(Law::Laplace, &draws(Laplace::new(-1.0, 0.1).unwrap(), 4000, 4));
        let between = GeneralisedGaussian::new(1.4, 0.0, 1.0).unwrap();
        check(Law::GeneralisedGaussian, &draws(between, 4000, 5));
        let mixture = GaussianMixture::new(0.1, 1.0, 1.0, 4.0).unwrap();
        check(Law::GaussianMixture, &draws(mixture, 4000, 6));
    }

    /// χ² by counting in cells found by bisection of the distribution function.
    #[test]
    fn chi2_is_that_of_equiprobable_cells() {
        let samples = draws(Laplace::new(0.0, 1.0).unwrap(), 500, 6);
        let rivals = rivals(&samples, Location::Free).unwrap();
        let n_cells = 24; // round(2 · 500^0.4)
        let mut counts = vec![0.0; n_cells];
        for &x in &samples {
            counts[(rivals.laplace.law.cdf(x) * n_cells as f64) as usize] += 1.0;
        }
        let expected = 500.0 / n_cells as f64;
        let chi2: f64 =
            counts.iter().map(|count: &f64| (count - expected).powi(2) / expected).sum();
        let score = rivals.score(Law::Laplace);
        assert!((score.chi2 - chi2).abs() < 1e-9, "{}, {chi2}", score.chi2);
        assert_eq!(score.chi2_p_lower, ChiSquared::new(21.0).unwrap().sf(score.chi2));
        let of_compare = compare(&samples, Location::Free, Binning::default()).unwrap();
        assert_eq!(rivals.score(Law::SymmetricStable).chi2, of_compare.stable_fit.chi2);
        assert_eq!(of_compare.rivals, Some(rivals));
    }

    /// With distribution functions that fit, that do not, and that have steps.
    #[test]
    fn ranks_up_to_a_probability() {
        let uniform = |rank: usize| (rank as f64 + 0.3) / 50.0;
        let laws: [&dyn Fn(usize) -> f64; 4] = [
            &uniform,
            &|rank| uniform(rank).powi(9),
            &|rank| 1.0 - (1.0 - uniform(rank)).powi(9),
            &|rank| uniform(rank / 17 * 17),
        ];
        for cdf in laws {
            for p in [0.0, 1e-3, 0.1, 0.5, 0.66, 0.999] {
                let expected = (0..50).filter(|&rank| cdf(rank) <= p).count();
                assert_eq!(n_up_to(p, 50, cdf), expected, "{p}");
            }
        }
    }

    /// A rejected law is passed over, and so are those of infinite variance.
    #[test]
    fn the_best_of_finite_variance() {
        let samples = draws(StudentT::new(3.0, 0.0, 1.0).unwrap(), 4000, 7);
        let mut rivals = rivals(&samples, Location::Free).unwrap();
        let law =
            |rivals: &Rivals| rivals.best_adequate_of_finite_variance(0.01).map(|score| score.law);
        assert_eq!(law(&rivals), Some(Law::StudentT));
        assert!(rivals.stable_lead() < -6.0 && rivals.infinite_variance_lead() < -6.0);
        let of_nu = |nu: f64| {
            let law = StudentT::new(nu, rivals.student_t.law.mu(), 0.97).unwrap();
            samples.iter().map(|&x| law.ln_pdf(x)).sum::<f64>()
        };
        assert!(rivals.student_t_at_two > of_nu(2.0));
        assert!(rivals.student_t_at_two < rivals.student_t.ln_likelihood - 3.0);
        rivals.scores[2].chi2_p_lower = 0.001;
        assert_ne!(law(&rivals), Some(Law::StudentT));
        assert!(rivals.best_adequate_of_finite_variance(1.0).is_none());
        rivals.student_t.law = StudentT::new(1.5, 0.0, 1.0).unwrap();
        rivals.scores[2].chi2_p_lower = 0.9;
        assert_ne!(law(&rivals), Some(Law::StudentT));
    }

    #[test]
    fn degenerate_series() {
        let rivals = rivals(&[1.0; 60], Location::Free).unwrap();
        assert!(rivals.best().is_none());
        assert!(rivals.scores.iter().all(|score| score.chi2_p_lower.is_nan()));
    }
}
