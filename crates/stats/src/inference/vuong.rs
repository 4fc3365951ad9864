//! Which of two laws is nearer to the truth?

use statrs::distribution::ContinuousCDF;

use crate::Gaussian;

/// Vuong's test of two laws that do not contain each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vuong {
    /// Positive where the first law is nearer; standard Gaussian where both
    /// are as near.
    pub z: f64,
    /// `P(|Z| ≥ |z|)`.
    pub p_two_sided: f64,
    /// `Σ d_i − (p_a − p_b)`, the numerator of z.
    pub difference: f64,
    /// `√n ω`, the denominator of z.
    pub standard_error: f64,
}

/// Compares two fitted laws by their log densities at the same samples.
///
/// # Formula
///
/// With `d_i = ln f_a(x_i) − ln f_b(x_i)`,
///
/// ```text
/// z = (Σ d_i − (p_a − p_b)) / (√n ω),    ω² = Σ d_i²/n − (Σ d_i/n)²
/// ```
///
/// where `p` counts parameters: Vuong (1989), doi:10.2307/1912557, equations
/// 5.1 to 5.3, with the correction that corresponds to Akaike's AIC
/// (section 5).
///
/// The null is that both laws have the same Kullback–Leibler distance from the
/// truth; neither has to be right. It does not hold for laws that contain each
/// other, as the stable law contains the Gaussian: take
/// [`LikelihoodRatioNull`](crate::LikelihoodRatioNull) for these. The variance
/// of `d` must exist, and where it hangs on a few outliers n has to be large.
/// Simulated sizes are in [the documentation of the tests](crate#sizes).
///
/// NaN where the densities agree everywhere or one of them is not defined.
///
/// # Panics
///
/// If the series differ in length.
pub fn vuong(
    ln_densities_a: &[f64],
    ln_densities_b: &[f64],
    n_params_a: usize,
    n_params_b: usize,
) -> Vuong {
    assert_eq!(ln_densities_a.len(), ln_densities_b.len(), "densities at the same samples");
    let n = ln_densities_a.len() as f64;
    let differences: Vec<f64> =
        ln_densities_a.iter().zip(ln_densities_b).map(|(a, b)| a - b).collect();
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / n;
    let difference = n * mean - (n_params_a as f64 - n_params_b as f64);
    let standard_error = (n * variance).sqrt();
    let z = if variance > 0.0 { difference / standard_error } else { f64::NAN };
    let standard = Gaussian::new(0.0, 1.0).expect("the standard Gaussian");
    Vuong { z, p_two_sided: 2.0 * standard.sf(z.abs()), difference, standard_error }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: d = (3, 1, −1, 1), mean 1, ω² = 2; z = 4/√8, and with one
    /// parameter more (4 − 1)/√8. P(|Z| ≥ √2) = .1573.
    #[test]
    fn computed_by_hand() {
        let (a, b) = ([0.0, 1.0, -2.0, 4.0], [-3.0, 0.0, -1.0, 3.0]);
        let equal = vuong(&a, &b, 2, 2);
        assert!((equal.z - 2f64.sqrt()).abs() < 1e-15);
        assert!((equal.p_two_sided - 0.157_299_2).abs() < 1e-7);
        let corrected = vuong(&a, &b, 3, 2);
        assert!((corrected.z - 3.0 / 8f64.sqrt()).abs() < 1e-15);
        assert_eq!(corrected.difference, 3.0);
        assert!((corrected.standard_error - 8f64.sqrt()).abs() < 1e-15);
        assert_eq!(vuong(&b, &a, 2, 3).z, -corrected.z);
    }

    #[test]
    fn undefined_where_nothing_can_be_compared() {
        assert!(vuong(&[1.0, 2.0], &[1.0, 2.0], 2, 2).z.is_nan());
        assert!(vuong(&[1.0, 2.0], &[1.0, 2.0], 2, 2).p_two_sided.is_nan());
        assert!(vuong(&[1.0, f64::NAN], &[1.0, 2.0], 2, 2).p_two_sided.is_nan());
    }
}
