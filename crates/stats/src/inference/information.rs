//! Likelihoods that have paid for their parameters.

/// Akaike's and Schwarz's criterion; the smaller, the better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InformationCriteria {
    /// `2p − 2ℓ`; Akaike (1974), doi:10.1109/TAC.1974.1100705.
    pub aic: f64,
    /// `p ln N − 2ℓ`; Schwarz (1978), doi:10.1214/aos/1176344136.
    pub bic: f64,
}

/// AIC and BIC of a fit with greatest log likelihood `ℓ` and p parameters.
///
/// A difference of 6 in BIC is twice the logarithm of a Bayes factor of about
/// 20: "strong evidence" in Kass and Raftery (1995),
/// doi:10.1080/01621459.1995.10476572. Where `alpha` is fitted as 2 it still
/// counts as a parameter, so that BIC then prefers the Gaussian by ln N.
///
/// # Examples
///
/// ```
/// let criteria = stats::information_criteria(-120.0, 3, 1000);
/// assert_eq!(criteria.aic, 246.0);
/// assert_eq!(criteria.bic, 240.0 + 3.0 * 1000f64.ln());
/// ```
pub fn information_criteria(
    ln_likelihood: f64,
    n_parameters: usize,
    n_samples: usize,
) -> InformationCriteria {
    let n_parameters = n_parameters as f64;
    InformationCriteria {
        aic: 2.0 * n_parameters - 2.0 * ln_likelihood,
        bic: n_parameters * (n_samples as f64).ln() - 2.0 * ln_likelihood,
    }
}
