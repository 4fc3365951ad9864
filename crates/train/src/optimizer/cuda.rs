//! The step of an optimizer on a GPU.

use candle_core::{Result, Storage, Var, bail};

use super::{Rule, Update};
use crate::ops::cuda::{CudaReal, Numbers, each, launch};

/// Moves the weights. Whether they are finite afterwards is not looked at: that would wait for the GPU in every step.
pub fn step<T: CudaReal>(
    update: &Update<'_>,
    weights: &Numbers<'_, T>,
    gradient: &Numbers<'_, T>,
) -> Result<()> {
    let (device, n) = (weights.device, weights.len());
    match (update.rule, update.state) {
        (Rule::Sgd(sgd), []) => launch!(T, device, "sgd", each(n);
            n as i64, sgd.weight_decay, sgd.momentum, i32::from(sgd.nesterov), update.learning_rate, gradient.view,
            0u64, weights.view),
        (Rule::Sgd(sgd), [velocity, ..]) => with_numbers(velocity, |velocity: &Numbers<'_, T>| {
            launch!(T, device, "sgd", each(n);
                n as i64, sgd.weight_decay, sgd.momentum, i32::from(sgd.nesterov), update.learning_rate,
                gradient.view, velocity.view, weights.view);
            Ok(())
        })?,
        (Rule::AdamW { adamw, shrink, rate, root_scale }, [first, second]) => {
            with_numbers(first, |first: &Numbers<'_, T>| {
                with_numbers(second, |second: &Numbers<'_, T>| {
                    launch!(T, device, "adamw", each(n);
                        n as i64, adamw.beta1, adamw.beta2, adamw.eps, shrink, rate, root_scale, gradient.view,
                        first.view, second.view, weights.view);
                    Ok(())
                })
            })?;
        }
        _ => unreachable!("AdamW has two moments"),
    }
    Ok(())
}

/// Calls `of` with the numbers of a state, which the kernel writes.
fn with_numbers<T: CudaReal>(
    state: &Var,
    of: impl FnOnce(&Numbers<'_, T>) -> Result<()>,
) -> Result<()> {
    let (storage, layout) = state.storage_and_layout();
    match &*storage {
        Storage::Cuda(storage) => of(&Numbers::of(storage, layout)?),
        _ => bail!("the state of the optimizer is not where the weights are"),
    }
}
