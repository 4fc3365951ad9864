//! How the noise of the gradient grows with the loss.

use train::Flow;

use crate::error::EscapeError;
use crate::landscape::Landscape;

/// Samples that the noise is taken from: evenly spaced ones, where there are more.
const MAX_SAMPLES: usize = 1000;

/// The slope s of `Tr Σ(w) = Tr Σ(w*) (1 + s (L(w) − L*))`, in units of 1/loss, over some points `[D]`, such as those at
/// which trials left; `None` where the loss is no mean over samples, or there is no point beside the minimum.
///
/// # Formula
/// `Tr Σ = (1/N) Σ ‖∇ℓ_i‖² − ‖(1/N) Σ ∇ℓ_i‖²`, and least squares through (0, 0) of `Tr Σ(w)/Tr Σ(w*) − 1` against
/// `L(w) − L*`. In the theory of Meng et al. (2020) it is 2/c, `c = Hσ_g/σ_H`; in that of Mori et al. (2022) 1/L*.
///
/// # Errors
/// [`EscapeError::Stopped`] when `go_on`, asked before each point, says stop.
pub(crate) fn noise_slope(
    landscape: &dyn Landscape,
    points: &[Vec<f64>],
    go_on: &dyn Fn() -> Flow,
) -> Result<Option<f64>, EscapeError> {
    let Some(n_samples) = landscape.n_samples() else { return Ok(None) };
    let mut site = landscape.site()?;
    let n_used = n_samples.min(MAX_SAMPLES);
    let mut strength = |w: &[f64]| -> Result<(f64, f64), EscapeError> {
        let (mut squares, mut mean) = (0., vec![0.; w.len()]);
        let mut gradient = vec![0.; w.len()];
        for i in 0..n_used {
            let sample = (i * n_samples / n_used) as u32;
            site.minibatch_gradient(w, &[sample], &mut gradient)?;
            squares += gradient.iter().map(|g| g * g).sum::<f64>() / n_used as f64;
            mean.iter_mut().zip(&gradient).for_each(|(mean, g)| *mean += g / n_used as f64);
        }
        Ok((squares - mean.iter().map(|mean| mean * mean).sum::<f64>(), site.evaluate(w)?.loss))
    };
    let (at_minimum, minimum_loss) = strength(landscape.minimum())?;
    let (mut products, mut squares) = (0., 0.);
    for point in points {
        if go_on() == Flow::Stop {
            return Err(EscapeError::Stopped);
        }
        let (noise, loss) = strength(point)?;
        let (rise, growth) = (loss - minimum_loss, noise / at_minimum - 1.);
        if rise.is_finite() && growth.is_finite() {
            products += rise * growth;
            squares += rise * rise;
        }
    }
    Ok((squares > 0.).then(|| products / squares))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landscapes::LandscapeSpec;
    use rand::RngExt;
    use rand_distr::StandardNormal;
    use train::Streams;

    #[test]
    fn noise_of_linear_regression_grows_with_its_loss() {
        let n_samples = 20_000;
        let spec = LandscapeSpec::LinearRegression { n_samples, dimension: 3 };
        let landscape = &*spec.build(&Streams::new(1)).unwrap();
        let mut rng = Streams::new(2).rng(0);
        let points: Vec<Vec<f64>> =
            (0..20).map(|_| (0..3).map(|_| rng.sample(StandardNormal)).collect()).collect();
        // Tr Σ = d (|w|² + 1) + |w|² where L = ½ (|w|² + 1): the slope is 2 (d + 1)/d, up to the 1000 samples.
        let found = noise_slope(landscape, &points, &|| Flow::Continue).unwrap().unwrap();
        assert!((found / (8. / 3.) - 1.).abs() < 0.15, "{found}");
        assert_eq!(noise_slope(landscape, &[], &|| Flow::Continue).unwrap(), None);
        let stopped = noise_slope(landscape, &points, &|| Flow::Stop);
        assert!(matches!(stopped, Err(EscapeError::Stopped)));
    }
}
