//! Jumps of one stable noise whose scale is expanded in the learning rate.

use super::{Cell, Form, Parameter, Theory};

/// Battash, Wolf and Lindenbaum (2023), equation 17, for one stability index α.
///
/// # Formula
/// `τ = 1/(c₀ + c₁ η^{2−1/α})` with c₀ and c₁ ≥ 0 free: of the paper's `η^{(α_l−α_i)/2}` and
/// `η^{1+(α_l−α_i)/2+(α−1)/α}` with all α equal. τ is in time ηk, as the first exit time of the process of eq. 3 whose
/// drift carries no η; the paper's Figure 3 plots iterations. The paper gives c₀ and c₁ in terms of Hessian, gradients
/// and weights but no batch size or barrier, and none is added. α is measured.
///
/// It goes another way than [`BattashIntensity`](super::BattashIntensity), though both are expansions of eq. 16: that
/// one keeps the η of ε, this one the η of the noise covariance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BattashExpansion {
    /// The stability index of the gradient noise, in (½, 2].
    pub alpha: f64,
}

impl BattashExpansion {
    pub(super) const NAME: &str = "Battash et al., expansion";
}

impl Theory for BattashExpansion {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn source(&self) -> &'static str {
        "Battash, Wolf, Lindenbaum (2023), arXiv:2303.02749, eq. 17"
    }

    fn parameters(&self) -> [Parameter; 2] {
        [Parameter::not_negative("c0"), Parameter::not_negative("c1")]
    }

    fn form(&self) -> Form {
        Form::Rate
    }

    fn offset(&self, cell: &Cell) -> f64 {
        -cell.learning_rate.ln()
    }

    fn regressor(&self, cell: &Cell) -> f64 {
        cell.learning_rate.powf(2. - 1. / self.alpha)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theories::WayOut;

    /// α = 1, η = ½: τ = 1/(0.1 + 0.4·½), k = τ/η.
    #[test]
    fn by_hand() {
        let times = vec![];
        let cell = Cell {
            learning_rate: 0.5,
            batch_size: 8.,
            loss: 1.,
            barrier: 2.,
            way_out: WayOut::Edge,
            times,
            check_every: 1,
        };
        let ln_mean = BattashExpansion { alpha: 1. }.ln_mean_iterations(&cell, [0.1, 0.4]);
        assert!((ln_mean.exp() - 2. / 0.3).abs() < 1e-12);
    }
}
