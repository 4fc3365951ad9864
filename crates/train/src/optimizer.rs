//! Optimizers: how a gradient moves the weights.
//!
//! An update is one pass over the elements of a parameter, in place. On the CPU it also notes whether they stay finite, and
//! products are not fused with sums, so the bits do not depend on the processor.

use std::cell::{Cell, RefCell};

use candle_core::{CpuStorage, DType, InplaceOp1, InplaceOp2, Layout, Tensor, Var, bail};
use serde::{Deserialize, Serialize};

use crate::error::{SpecError, TrainError};
#[cfg(feature = "cuda")]
use crate::ops::cuda::Numbers;
use crate::ops::{Real, for_real, slice, slice_mut};
use crate::params::{ParamSet, flatten};

/// `[training.optimizer]` of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimizerSpec {
    /// Stochastic gradient descent; plain where nothing is said.
    Sgd(Sgd),
    /// Adam with decoupled weight decay.
    #[serde(rename = "adamw")]
    AdamW(AdamW),
}

/// `g ← g + λw; v ← μv + g; w ← w − ηv`, as `torch.optim.SGD` with dampening 0.
///
/// With Nesterov's momentum `w ← w − η(g + μv)` (Sutskever et al. 2013, in the form of PyTorch); without momentum
/// `w ← w − ηg`. The velocity begins at 0.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// μ: what the velocity keeps from step to step.
    pub momentum: f64,
    /// Whether the momentum is Nesterov's.
    pub nesterov: bool,
    /// λ: adds λ‖w‖²/2 to the loss that is descended, not to the one that is reported.
    pub weight_decay: f64,
}

/// `w ← (1 − ηλ)w − η m̂ / (√v̂ + ε)`, as `torch.optim.AdamW` (Loshchilov and Hutter 2019, algorithm 2).
///
/// `m ← β₁m + (1 − β₁)g` and `v ← β₂v + (1 − β₂)g²` begin at 0; at update t counted from 1, `m̂ = m/(1 − β₁ᵗ)` and
/// `v̂ = v/(1 − β₂ᵗ)`. Defaults are PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamW {
    /// β₁: what the first moment keeps from step to step.
    pub beta1: f64,
    /// β₂: what the second moment keeps.
    pub beta2: f64,
    /// ε: keeps the division from zero.
    pub eps: f64,
    /// λ: decoupled, the weights shrink by ηλ in each step.
    pub weight_decay: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 1e-2 }
    }
}

impl Default for OptimizerSpec {
    fn default() -> Self {
        OptimizerSpec::Sgd(Sgd::default())
    }
}

impl OptimizerSpec {
    /// Whether it is plain SGD, `w ← w − ηg`.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Checks every value; `section` is the name it has in the experiment.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        let share = |section: &str, key, value: f64| {
            let permitted = "a number from 0 to below 1";
            SpecError::check((0. ..1.).contains(&value), section, key, value, permitted)
        };
        let decay = |section: &str, value: f64| {
            let holds = value.is_finite() && value >= 0.;
            SpecError::check(holds, section, "weight_decay", value, "a number, 0 or more")
        };
        match self {
            OptimizerSpec::Sgd(sgd) => {
                let section = &format!("{section}.sgd");
                share(section, "momentum", sgd.momentum)?;
                let holds = !sgd.nesterov || sgd.momentum > 0.;
                let permitted = "false where momentum = 0.0";
                SpecError::check(holds, section, "nesterov", sgd.nesterov, permitted)?;
                decay(section, sgd.weight_decay)
            }
            OptimizerSpec::AdamW(adamw) => {
                let section = &format!("{section}.adamw");
                share(section, "beta1", adamw.beta1)?;
                share(section, "beta2", adamw.beta2)?;
                let positive = adamw.eps.is_finite() && adamw.eps > 0.;
                SpecError::check(positive, section, "eps", adamw.eps, "a number above 0")?;
                decay(section, adamw.weight_decay)
            }
        }
    }

    /// What is remembered of each parameter from step to step.
    fn state_names(&self) -> &'static [&'static str] {
        match self {
            OptimizerSpec::Sgd(sgd) if sgd.momentum == 0. => &[],
            OptimizerSpec::Sgd(_) => &["velocity"],
            OptimizerSpec::AdamW(_) => &["first_moment", "second_moment"],
        }
    }
}

/// An optimizer with what it remembers of every parameter.
pub struct Optimizer {
    spec: OptimizerSpec,
    /// For each parameter the tensors of [`OptimizerSpec::state_names`], shaped like it.
    state: Vec<Vec<Var>>,
}

impl Optimizer {
    /// An optimizer of `params` before its first step.
    pub fn new(spec: &OptimizerSpec, params: &ParamSet) -> Result<Self, TrainError> {
        let zeros = |var: &Var| Var::zeros(var.shape(), var.dtype(), var.device());
        let state_of = |var| spec.state_names().iter().map(|_| zeros(var)).collect();
        let state = params.vars().map(state_of).collect::<candle_core::Result<_>>()?;
        Ok(Self { spec: spec.clone(), state })
    }

    /// What is remembered, named as in a checkpoint: `optimizer.velocity.fc1.weight`. `params` are those it was made
    /// for.
    pub fn named_vars<'a>(
        &'a self,
        params: &'a ParamSet,
    ) -> impl Iterator<Item = (String, &'a Var)> {
        params.named_tensors().zip(&self.state).flat_map(|((param, _), vars)| {
            let named = self.spec.state_names().iter().zip(vars);
            named.map(move |(name, var)| (format!("{STATE_PREFIX}{name}.{param}"), var))
        })
    }

    /// Moves `params` against `gradient`, which has one tensor per parameter, in order. `step` is the number of the
    /// update, counted from 1.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] when a parameter is no longer finite. This is seen on the CPU only; elsewhere the next
    /// loss shows it.
    pub fn step(
        &mut self,
        params: &ParamSet,
        gradient: &[Tensor],
        learning_rate: f64,
        step: u64,
    ) -> Result<(), TrainError> {
        let rule = match self.spec {
            OptimizerSpec::Sgd(sgd) => Rule::Sgd(sgd),
            OptimizerSpec::AdamW(adamw) => Rule::adamw(adamw, learning_rate, step),
        };
        for (((name, _), var), (gradient, state)) in
            params.named_tensors().zip(params.vars()).zip(gradient.iter().zip(&self.state))
        {
            if !(Update { rule, learning_rate, state }).apply(var, gradient)? {
                let of = if is_finite(gradient)? { "" } else { "the gradient of " };
                let symptom = format!("{of}`{name}` is not finite");
                return Err(TrainError::Diverged { symptom, step, learning_rate });
            }
        }
        Ok(())
    }
}

/// What the names of an optimizer's tensors in a checkpoint begin with.
pub(crate) const STATE_PREFIX: &str = "optimizer.";

/// One step of plain SGD, `w ← w − ηg`, whatever becomes of the weights; `gradient` has one tensor per parameter.
pub fn sgd_step(
    params: &ParamSet,
    gradient: &[Tensor],
    learning_rate: f64,
) -> Result<(), TrainError> {
    let update = Update { rule: Rule::Sgd(Sgd::default()), learning_rate, state: &[] };
    for (var, gradient) in params.vars().zip(gradient) {
        update.apply(var, gradient)?;
    }
    Ok(())
}

/// Whether every element is a finite number.
pub(crate) fn is_finite(tensor: &Tensor) -> Result<bool, TrainError> {
    Ok(flatten([tensor].into_iter())?.iter().all(|value| value.is_finite()))
}

/// What is done to every element in one step.
#[derive(Clone, Copy)]
enum Rule {
    Sgd(Sgd),
    AdamW {
        adamw: AdamW,
        /// 1 − ηλ.
        shrink: f64,
        /// η/(1 − β₁ᵗ).
        rate: f64,
        /// 1/√(1 − β₂ᵗ).
        root_scale: f64,
    },
}

impl Rule {
    fn adamw(adamw: AdamW, learning_rate: f64, step: u64) -> Self {
        let bias = |beta: f64| 1. - beta.powf(step as f64);
        Rule::AdamW {
            adamw,
            shrink: 1. - learning_rate * adamw.weight_decay,
            rate: learning_rate / bias(adamw.beta1),
            root_scale: 1. / bias(adamw.beta2).sqrt(),
        }
    }
}

/// The update of one parameter.
struct Update<'a> {
    rule: Rule,
    learning_rate: f64,
    state: &'a [Var],
}

impl Update<'_> {
    /// Returns whether all elements are finite afterwards, as far as that is seen.
    fn apply(&self, weights: &Var, gradient: &Tensor) -> candle_core::Result<bool> {
        match weights.dtype() {
            DType::F32 | DType::F64 => {
                let pass = Pass { update: self, finite: Cell::new(true) };
                weights.inplace_op2(&gradient.contiguous()?, &pass)?;
                Ok(pass.finite.get())
            }
            _ => self.by_tensors(weights, gradient).map(|()| true),
        }
    }

    /// The same out of candle's operations, for types without a kernel.
    fn by_tensors(&self, weights: &Var, gradient: &Tensor) -> candle_core::Result<()> {
        let w = weights.as_tensor();
        match (self.rule, self.state) {
            (Rule::Sgd(sgd), state) => {
                let mut direction = gradient.clone();
                if sgd.weight_decay > 0. {
                    direction = (direction + (w * sgd.weight_decay)?)?;
                }
                if let [velocity] = state {
                    velocity.set(&((velocity.as_tensor() * sgd.momentum)? + &direction)?)?;
                    let v = velocity.as_tensor();
                    direction = match sgd.nesterov {
                        true => (direction + (v * sgd.momentum)?)?,
                        false => v.clone(),
                    };
                }
                weights.set(&(w - (direction * self.learning_rate)?)?)
            }
            (Rule::AdamW { adamw, shrink, rate, root_scale }, [first, second]) => {
                let (m, v) = (first.as_tensor(), second.as_tensor());
                first.set(&((m * adamw.beta1)? + (gradient * (1. - adamw.beta1))?)?)?;
                second.set(&((v * adamw.beta2)? + (gradient.sqr()? * (1. - adamw.beta2))?)?)?;
                let denominator = ((v.sqrt()? * root_scale)? + adamw.eps)?;
                weights.set(&((w * shrink)? - ((m / denominator)? * rate)?)?)
            }
            _ => unreachable!("AdamW has two moments"),
        }
    }

    fn pass<T: Real>(&self, weights: &mut [T], gradient: &[T]) -> candle_core::Result<bool> {
        let mut finite = true;
        match (self.rule, self.state) {
            (Rule::Sgd(sgd), []) => {
                finite = descend(weights, gradient, sgd.weight_decay, self.learning_rate);
            }
            (Rule::Sgd(sgd), [velocity, ..]) => with_elements(velocity, &mut |velocity| {
                finite =
                    descend_with_momentum(weights, gradient, velocity, sgd, self.learning_rate);
                Ok(())
            })?,
            (rule, [first, second]) => with_elements(first, &mut |first| {
                with_elements(second, &mut |second| {
                    finite = adamw(weights, gradient, first, second, rule);
                    Ok(())
                })
            })?,
            _ => unreachable!("AdamW has two moments"),
        }
        Ok(finite)
    }
}

fn descend<T: Real>(weights: &mut [T], gradient: &[T], weight_decay: f64, rate: f64) -> bool {
    let (decay, rate) = (T::from_f64(weight_decay), T::from_f64(rate));
    let mut finite = true;
    for (w, &g) in weights.iter_mut().zip(gradient) {
        let direction = g + decay * *w;
        *w -= rate * direction;
        finite &= w.is_finite();
    }
    finite
}

fn descend_with_momentum<T: Real>(
    weights: &mut [T],
    gradient: &[T],
    velocity: &mut [T],
    sgd: Sgd,
    rate: f64,
) -> bool {
    let (decay, rate) = (T::from_f64(sgd.weight_decay), T::from_f64(rate));
    let momentum = T::from_f64(sgd.momentum);
    let mut finite = true;
    for ((w, &g), v) in weights.iter_mut().zip(gradient).zip(velocity) {
        let g = g + decay * *w;
        *v = momentum * *v + g;
        let direction = if sgd.nesterov { g + momentum * *v } else { *v };
        *w -= rate * direction;
        finite &= w.is_finite();
    }
    finite
}

fn adamw<T: Real>(
    weights: &mut [T],
    gradient: &[T],
    first: &mut [T],
    second: &mut [T],
    rule: Rule,
) -> bool {
    let Rule::AdamW { adamw, shrink, rate, root_scale } = rule else {
        unreachable!("SGD has no second moment")
    };
    let [shrink, rate, root_scale, eps] = [shrink, rate, root_scale, adamw.eps].map(T::from_f64);
    let [beta1, beta2] = [adamw.beta1, adamw.beta2].map(T::from_f64);
    let [rest1, rest2] = [1. - adamw.beta1, 1. - adamw.beta2].map(T::from_f64);
    let mut finite = true;
    for ((w, &g), (m, v)) in
        weights.iter_mut().zip(gradient).zip(first.iter_mut().zip(second.iter_mut()))
    {
        *m = beta1 * *m + rest1 * g;
        *v = beta2 * *v + rest2 * g * g;
        *w = shrink * *w - rate * (*m / (v.sqrt() * root_scale + eps));
        // An infinite second moment would stop a finite weight in silence.
        finite &= w.is_finite() & v.is_finite();
    }
    finite
}

/// An [`Update`] as candle's operation.
struct Pass<'a> {
    update: &'a Update<'a>,
    finite: Cell<bool>,
}

impl Pass<'_> {
    fn run<T: Real>(
        &self,
        weights: &mut CpuStorage,
        weights_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<()> {
        let weights = slice_mut::<T>(weights, weights_layout)?;
        let gradient = slice::<T>(gradient, gradient_layout)?;
        if gradient.len() != weights.len() {
            bail!("{} numbers in the gradient, {} weights", gradient.len(), weights.len());
        }
        self.finite.set(self.update.pass(weights, gradient)?);
        Ok(())
    }
}

impl InplaceOp2 for Pass<'_> {
    fn name(&self) -> &'static str {
        "optimizer"
    }

    fn cpu_fwd(
        &self,
        weights: &mut CpuStorage,
        weights_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<()> {
        for_real!(weights, "optimizer", T => {
            self.run::<T>(weights, weights_layout, gradient, gradient_layout)
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        weights: &mut candle_core::CudaStorage,
        weights_layout: &Layout,
        gradient: &candle_core::CudaStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<()> {
        let n_weights = weights_layout.shape().elem_count();
        if gradient_layout.shape().elem_count() != n_weights {
            bail!("{:?} in the gradient, {n_weights} weights", gradient_layout.shape());
        }
        for_real!(weights, "optimizer", T => cuda::step::<T>(
            self.update, &Numbers::of(weights, weights_layout)?, &Numbers::of(gradient, gradient_layout)?
        ))
    }
}

/// Calls `of` with the elements of a tensor, to be written.
fn with_elements<T: Real>(tensor: &Tensor, of: &mut OfElements<'_, T>) -> candle_core::Result<()> {
    tensor.inplace_op1(&WithElements(RefCell::new(of)))
}

type OfElements<'a, T> = dyn FnMut(&mut [T]) -> candle_core::Result<()> + 'a;

struct WithElements<'a, 'b, T>(RefCell<&'a mut OfElements<'b, T>>);

impl<T: Real> InplaceOp1 for WithElements<'_, '_, T> {
    fn name(&self) -> &'static str {
        "optimizer-state"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        (self.0.borrow_mut())(slice_mut(storage, layout)?)
    }
}

#[cfg(feature = "cuda")]
mod cuda;
#[cfg(test)]
mod tests;
