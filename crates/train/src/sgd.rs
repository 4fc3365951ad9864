//! Plain stochastic gradient descent.

use candle_core::Tensor;

use crate::error::TrainError;
use crate::params::ParamSet;

/// `w ← w − η g`, without momentum or weight decay; `gradient` has one tensor per parameter, in order.
pub fn step(params: &ParamSet, gradient: &[Tensor], learning_rate: f64) -> Result<(), TrainError> {
    for (var, gradient) in params.vars().zip(gradient) {
        var.set(&(var.as_tensor() - (gradient * learning_rate)?)?)?;
    }
    Ok(())
}
