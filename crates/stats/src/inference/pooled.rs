//! The same draws, parameter by parameter and all together.
//!
//! # Why do two papers see opposite things in the same noise?
//!
//! Simsekli et al. (2019, arXiv:1901.06053) put all parameters of all draws
//! into one sample and estimate one α; Xie et al. (2021, arXiv:2002.03495) note
//! that this is noise *across parameters*, while the noise that drives one
//! parameter is its own, across minibatches. Parameters of one network differ
//! in their scale by orders of magnitude. A mixture of Gaussians of many scales
//! is heavy-tailed whatever each of them is.
//!
//! For N(0, s²) with `ln s ~ N(0, τ²)` the block estimator sees sums of m
//! coordinates with the variance `m E s² = m e^{2τ²}` beside single ones of
//! typical scale 1, and so tends to
//!
//! ```text
//! 1/α̂ = 1/2 + τ² / ln m
//! ```
//!
//! which is 2 only in the limit of infinite blocks: every value below 2 can be
//! had by a choice of τ.

use rayon::prelude::*;

use crate::{
    Estimator, LEAST_ALPHA, Location, Moments, StatsError, estimate, fit_symmetric_stable,
};

/// Estimates of alpha from one table of draws, seen in three ways.
///
/// All by maximum likelihood but one; means are over the series that could be
/// fitted, NaN if there are none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PooledView {
    /// Number of columns.
    pub n_parameters: usize,
    /// Number of rows.
    pub n_draws: usize,
    /// Mean over parameters of alpha across draws: the noise that each
    /// parameter feels.
    pub per_parameter_mean: f64,
    /// Standard deviation over parameters of the same.
    pub per_parameter_std: f64,
    /// Number of parameters in this mean.
    pub n_fitted: usize,
    /// Number of those whose alpha is 2, …
    pub n_boundary: usize,
    /// … and of those for which it is the least that is fitted.
    pub n_lower_bound: usize,
    /// Mean over draws of alpha across parameters, as Xie et al. look at one
    /// gradient; NaN for fewer than 50 parameters.
    pub per_draw_mean: f64,
    /// Alpha of all draws of all parameters as one sample.
    pub pooled: f64,
    /// The same by Mohammadi's block estimator, as Simsekli et al. computed it:
    /// draw by draw, so that a block is made of neighbouring parameters. May
    /// exceed 2.
    pub pooled_blocks: f64,
}

/// Looks at the same draws in three ways; `columns[j][i]` is draw i of parameter
/// j.
///
/// Needs as much memory as the table once more, and the time of three fits of
/// all its numbers; parameters and draws are spread over the threads of rayon
/// and the result does not depend on their number.
///
/// # Errors
///
/// No column, columns of different lengths, fewer than 50 draws, a NaN or
/// infinite draw, a fixed location that is not finite.
pub fn pooled_view(columns: &[&[f64]], location: Location) -> Result<PooledView, StatsError> {
    let first = columns.first().ok_or(StatsError::ZeroCount { name: "n_parameters" })?;
    let n_draws = first.len();
    if let Some(column_idx) = columns.iter().position(|column| column.len() != n_draws) {
        let n_samples = columns[column_idx].len();
        return Err(StatsError::UnequalLengths { column_idx, n_samples, expected: n_draws });
    }
    let alpha = |series: &[f64]| Ok(fit_symmetric_stable(series, location)?.law.alpha());

    let per_parameter =
        columns.par_iter().map(|column| alpha(column)).collect::<Result<Vec<f64>, StatsError>>()?;
    let n_at = |end: f64| per_parameter.iter().filter(|alpha| **alpha == end).count();
    let (n_boundary, n_lower_bound) = (n_at(2.0), n_at(LEAST_ALPHA));
    let per_parameter = moments(&per_parameter);

    let n_parameters = columns.len();
    let rows: Vec<f64> =
        (0..n_draws).flat_map(|draw| columns.iter().map(move |column| column[draw])).collect();
    let per_draw = if n_parameters < 50 {
        Vec::new()
    } else {
        rows.par_chunks_exact(n_parameters).map(alpha).collect::<Result<Vec<f64>, StatsError>>()?
    };
    Ok(PooledView {
        n_parameters,
        n_draws,
        per_parameter_mean: mean(&per_parameter),
        per_parameter_std: per_parameter.std(),
        n_fitted: per_parameter.n() as usize,
        n_boundary,
        n_lower_bound,
        per_draw_mean: mean(&moments(&per_draw)),
        pooled: alpha(&rows)?,
        pooled_blocks: estimate(&rows, Estimator::Mohammadi, location)?.alpha,
    })
}

/// Moments of what is not NaN.
fn moments(alphas: &[f64]) -> Moments {
    let fitted: Vec<f64> = alphas.iter().copied().filter(|alpha| !alpha.is_nan()).collect();
    Moments::from_slice(&fitted)
}

fn mean(moments: &Moments) -> f64 {
    if moments.n() == 0 { f64::NAN } else { moments.mean() }
}

#[cfg(test)]
mod tests {
    use rand::distr::Distribution;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::{Gaussian, SymmetricStable};

    /// Draws of parameters whose scales are log-normal.
    fn table(
        law: impl Distribution<f64>,
        ln_std: f64,
        n_parameters: usize,
        n_draws: usize,
    ) -> Vec<Vec<f64>> {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let normal = Gaussian::new(0.0, 1.0).unwrap();
        (0..n_parameters)
            .map(|_| {
                let scale = 1e-3 * (ln_std * normal.sample(&mut rng)).exp();
                (0..n_draws).map(|_| scale * law.sample(&mut rng)).collect()
            })
            .collect()
    }

    fn view(table: &[Vec<f64>]) -> PooledView {
        let columns: Vec<&[f64]> = table.iter().map(Vec::as_slice).collect();
        pooled_view(&columns, Location::Fixed(0.0)).unwrap()
    }

    /// The dispute: every parameter is Gaussian, and together they look stable
    /// with any alpha. Of a thousand parameters and a thousand draws the block
    /// estimator sees 1.89, 1.56, 1.25 and 1.00, near the formula above for
    /// blocks of a thousand; over sixty tables it sees 1.87 ± 0.02, 1.56 ± 0.03,
    /// 1.23 ± 0.06 and 0.99 ± 0.07, since the greatest scales decide.
    #[test]
    fn gaussians_of_many_scales_look_stable() {
        for ln_std in [0.5, 1.0, 1.5, 2.0] {
            let table = table(Gaussian::new(0.0, 1.0).unwrap(), ln_std, 1000, 1000);
            let rows: Vec<f64> =
                (0..1000).flat_map(|draw| table.iter().map(move |column| column[draw])).collect();
            let location = Location::Fixed(0.0);
            let alpha = estimate(&rows, Estimator::Mohammadi, location).unwrap().alpha;
            let expected = 1.0 / (0.5 + ln_std * ln_std / 1000f64.ln());
            assert!((alpha - expected).abs() < 0.09, "{ln_std}: {alpha}, {expected}");
        }
    }

    #[test]
    fn three_views_of_the_same_draws() {
        let view = view(&table(Gaussian::new(0.0, 1.0).unwrap(), 1.0, 400, 400));
        assert!(view.per_parameter_mean > 1.99 && view.per_parameter_std < 0.02, "{view:?}");
        assert!(view.per_draw_mean < 1.3 && view.pooled < 1.3, "{view:?}");
        assert!((1.3..1.7).contains(&view.pooled_blocks), "{view:?}");
    }

    /// Stable noise of one scale is the same seen from anywhere.
    #[test]
    fn stable_noise_of_one_scale() {
        let law = SymmetricStable::new(1.5, 1.0, 0.0).unwrap();
        let view = view(&table(law, 0.0, 200, 200));
        assert_eq!((view.n_parameters, view.n_draws, view.n_fitted), (200, 200, 200));
        assert!((view.pooled - 1.5).abs() < 0.03, "{view:?}");
        assert!((view.per_parameter_mean - 1.5).abs() < 0.03);
        assert!((view.per_draw_mean - 1.5).abs() < 0.03);
        assert!((view.pooled_blocks - 1.5).abs() < 0.2);
    }

    /// A dead parameter is left out of the mean, and too few parameters give no
    /// series across them.
    #[test]
    fn degenerate_columns() {
        let mut table = table(Gaussian::new(0.0, 1.0).unwrap(), 0.0, 4, 60);
        table[2].fill(0.0);
        let view = view(&table);
        assert_eq!((view.n_parameters, view.n_fitted), (4, 3));
        assert!(view.per_parameter_mean > 1.8 && view.per_draw_mean.is_nan());
    }

    #[test]
    fn errors() {
        let message =
            |columns: &[&[f64]]| pooled_view(columns, Location::Free).unwrap_err().to_string();
        assert_eq!(message(&[]), "n_parameters = 0, at least 1 is needed");
        assert_eq!(message(&[&[0.0; 60], &[0.0; 59]]), "column 1 has 59 samples, the first has 60");
        assert_eq!(message(&[&[0.0; 49]]), "series of length 49, at least 50 samples are needed");
    }
}
