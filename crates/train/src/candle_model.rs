//! Models of one's own, written with candle alone.

use std::collections::HashMap;
use std::sync::Mutex;

use candle_core::{DType, Device, ModuleT, Result, Shape, Tensor, Var, bail};
use candle_nn::VarBuilder;
use candle_nn::init::{Init, NormalOrUniform};
use candle_nn::var_builder::SimpleBackend;

use crate::error::TrainError;
use crate::layers::{Initial, draw};
use crate::model::{LossTangent, Mode, Model, Network, SecondDerivatives};
use crate::params::ParamSet;
use crate::streams::Streams;

/// A network as candle's users write it: a function from a [`VarBuilder`] to a module.
///
/// It is trained, probed and escapes like the networks of this crate; gradients come from candle's graph. Parameters are
/// those that the function asks the builder for, in that order. They are drawn from the run's own streams, parameter p
/// from generator p, in the way that the layer asks for, and not by candle, whose generator on the CPU has no seed.
///
/// The gradients of single samples come from a pass for each, see [`Network::sample_gradients`].
///
/// Layers that change state in a forward pass, such as candle's `BatchNorm`, keep it among the parameters. It gets no
/// gradient, which is an error in the first step.
///
/// ```
/// use candle_core::{Device, Module};
/// use candle_nn::{func, linear};
/// use train::{CandleModel, Model, SharedModule, Streams};
///
/// let model = CandleModel::new(|vb| {
///     let (a, b) = (linear(34, 16, vb.pp("a"))?, linear(16, 2, vb.pp("b"))?);
///     Ok(Box::new(func(move |x| b.forward(&a.forward(x)?.gelu()?))) as SharedModule)
/// });
/// let params = model.init(&Streams::new(1), &Device::Cpu)?;
/// assert_eq!(params.n_parameters(), 34 * 16 + 16 + 16 * 2 + 2);
/// # Ok::<(), train::TrainError>(())
/// ```
pub struct CandleModel<F> {
    build: F,
}

/// A module that can be shared between threads, such as a struct of layers or a closure in `candle_nn::func`; `candle_nn::seq` can not.
pub type SharedModule = Box<dyn ModuleT + Send + Sync>;

impl<F: Fn(VarBuilder<'_>) -> Result<SharedModule> + Send + Sync> CandleModel<F> {
    /// A model that is built by this function.
    pub fn new(build: F) -> Self {
        Self { build }
    }
}

impl<F: Fn(VarBuilder<'_>) -> Result<SharedModule> + Send + Sync> Model for CandleModel<F> {
    fn init(
        &self,
        streams: &Streams,
        device: &Device,
    ) -> std::result::Result<ParamSet, TrainError> {
        let drawn = Mutex::new(Vec::new());
        let backend = Drawing { streams: streams.clone(), drawn: &drawn };
        let builder = VarBuilder::from_backend(Box::new(backend), DType::F32, device.clone());
        (self.build)(builder)?;
        ParamSet::new(drawn.into_inner().expect("no thread has panicked"))
    }

    fn bind(&self, params: &ParamSet) -> std::result::Result<Box<dyn Network>, TrainError> {
        let parameters: Vec<Tensor> =
            params.named_tensors().map(|(_, tensor)| tensor.clone()).collect();
        let by_name =
            params.named_tensors().map(|(name, tensor)| (name.to_owned(), tensor.clone()));
        let Some(first) = parameters.first() else {
            return Err(candle_core::Error::msg("a model without parameters").into());
        };
        let (dtype, device) = (first.dtype(), first.device().clone());
        let bound = Bound { by_name: by_name.collect() };
        let builder = VarBuilder::from_backend(Box::new(bound), dtype, device);
        Ok(Box::new(Graph { module: (self.build)(builder)?, parameters }))
    }
}

struct Drawing<'a> {
    streams: Streams,
    drawn: &'a Mutex<Vec<(String, Tensor)>>,
}

impl SimpleBackend for Drawing<'_> {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        init: Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        let mut drawn = self.drawn.lock().expect("no thread has panicked");
        if let Some((_, tensor)) = drawn.iter().find(|(other, _)| other == name) {
            return Ok(tensor.clone());
        }
        let (initial, shift) = match init {
            Init::Const(value) => (Initial::Constant(value), 0.),
            Init::Randn { mean, stdev } => (Initial::Normal(stdev), mean),
            Init::Uniform { lo, up } => (Initial::Uniform((up - lo) / 2.), (up + lo) / 2.),
            Init::Kaiming { dist, fan, non_linearity } => {
                let std = non_linearity.gain() / (fan.for_shape(&shape) as f64).sqrt();
                match dist {
                    NormalOrUniform::Normal => (Initial::Normal(std), 0.),
                    NormalOrUniform::Uniform => (Initial::Uniform(3f64.sqrt() * std), 0.),
                }
            }
        };
        let mut rng = self.streams.rng(drawn.len() as u64);
        let mut values = draw(&mut rng, shape.elem_count(), initial);
        values.iter_mut().for_each(|value| *value += shift as f32);
        let tensor = Tensor::from_vec(values, shape, device)?.to_dtype(dtype)?;
        drawn.push((name.to_owned(), tensor.clone()));
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, _dtype: DType, _device: &Device) -> Result<Tensor> {
        bail!("the shape of `{name}` is not known before it is drawn")
    }

    fn contains_tensor(&self, name: &str) -> bool {
        let drawn = self.drawn.lock().expect("no thread has panicked");
        drawn.iter().any(|(other, _)| other == name)
    }
}

struct Bound {
    by_name: HashMap<String, Tensor>,
}

impl SimpleBackend for Bound {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _init: Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        let tensor = self.get_unchecked(name, dtype, device)?;
        if tensor.shape() != &shape {
            bail!("`{name}` has the shape {:?}, not {shape:?}", tensor.shape());
        }
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, _dtype: DType, _device: &Device) -> Result<Tensor> {
        match self.by_name.get(name) {
            Some(tensor) => Ok(tensor.clone()),
            None => bail!("there is no parameter `{name}`"),
        }
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }
}

/// A module whose gradients come from candle's graph.
struct Graph {
    module: SharedModule,
    parameters: Vec<Tensor>,
}

impl Network for Graph {
    fn forward(&self, inputs: &Tensor, mode: Mode) -> Result<Tensor> {
        Ok(self.module.forward_t(inputs, mode != Mode::Eval)?.detach())
    }

    fn gradient(
        &self,
        inputs: &Tensor,
        mode: Mode,
        loss: &mut dyn FnMut(&Tensor) -> Result<Tensor>,
    ) -> Result<Vec<Option<Tensor>>> {
        let outputs = self.module.forward_t(inputs, mode != Mode::Eval)?;
        let gradient = loss(&outputs.detach())?;
        // The gradient of ⟨outputs, g⟩ with g held fixed is that of the loss.
        let gradients = (outputs * gradient)?.sum_all()?.backward()?;
        Ok(self.parameters.iter().map(|parameter| gradients.get(parameter).cloned()).collect())
    }

    /// candle differentiates its gradients only where it has been told so before the first of them.
    fn second_derivatives(&self) -> SecondDerivatives {
        match std::env::var("CANDLE_GRAD_DO_NOT_DETACH") {
            Ok(value) if !value.is_empty() && value != "0" => SecondDerivatives::Unverified,
            _ => SecondDerivatives::Missing,
        }
    }

    /// With z the outputs, J their Jacobian and g the gradient of the loss with respect to them,
    /// `H v = Jᵀ ġ + ∂⟨Jᵀu, v⟩/∂w` at u = g held fixed, where ġ is the loss's own along `J v = ∂⟨Jᵀu, v⟩/∂u`.
    fn hessian_product(
        &self,
        inputs: &Tensor,
        direction: &[Tensor],
        loss: &mut LossTangent<'_>,
    ) -> Result<Vec<Option<Tensor>>> {
        let outputs = self.module.forward_t(inputs, false)?;
        let (at, still) = (outputs.detach(), outputs.zeros_like()?);
        let u = Var::from_tensor(&loss(&at, &still)?.0)?;
        let gradients = (&outputs * u.as_tensor())?.sum_all()?.backward()?;
        let mut along: Option<Tensor> = None;
        for (parameter, direction) in self.parameters.iter().zip(direction) {
            let Some(gradient) = gradients.get(parameter) else { continue };
            let part = (gradient * direction)?.sum_all()?;
            along = Some(match along {
                Some(sum) => (sum + part)?,
                None => part,
            });
        }
        let Some(along) = along else { return Ok(vec![None; direction.len()]) };
        let second = along.backward()?;
        let Some(tangent) = second.get(&u) else {
            bail!("candle has not kept the graph of its gradients")
        };
        let (_, bent) = loss(&at, &tangent.detach())?;
        let first = (&outputs * bent)?.sum_all()?.backward()?;
        let of_parameter = |parameter: &Tensor| match (first.get(parameter), second.get(parameter))
        {
            (Some(first), Some(second)) => Ok(Some((first + second)?.detach())),
            (one, other) => Ok(one.or(other).map(Tensor::detach)),
        };
        self.parameters.iter().map(of_parameter).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use candle_core::Module;
    use candle_nn::{func, linear};

    use super::*;
    use crate::data::tests::blobs;
    use crate::networks::Mlp;
    use crate::objective::Objective;
    use crate::params::flatten;

    fn own() -> impl Model {
        CandleModel::new(|vb: VarBuilder<'_>| {
            let (first, second) = (linear(3, 5, vb.pp("fc1"))?, linear(5, 2, vb.pp("fc2"))?);
            Ok(Box::new(func(move |x| second.forward(&first.forward(x)?.relu()?))) as SharedModule)
        })
    }

    /// The same network by layers and by candle's graph, with the same weights.
    #[test]
    fn agrees_with_the_layers() {
        let data = Arc::new(blobs(30));
        let params = own().init(&Streams::new(4), &Device::Cpu).unwrap();
        let names: Vec<&str> = params.named_tensors().map(|(name, _)| name).collect();
        assert_eq!(names, ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]);
        let copy = params.duplicate().unwrap();
        let by_graph = Objective::new(Arc::new(own()), data.clone(), params).unwrap();
        let by_layers = Objective::new(Arc::new(Mlp::new(3, &[5], 2)), data, copy).unwrap();
        let samples: Vec<u32> = (0..30).collect();
        let [(a, of_a), (b, of_b)] = [&by_graph, &by_layers]
            .map(|objective| objective.loss_and_gradient(&samples, Mode::Train).unwrap());
        assert!((a - b).abs() < 1e-6);
        let (of_a, of_b) = (flatten(of_a.iter()).unwrap(), flatten(of_b.iter()).unwrap());
        for (a, b) in of_a.iter().zip(&of_b) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
        assert!(of_a.iter().any(|value| value.abs() > 1e-3));
        let of_samples = |objective: &Objective| {
            let rows = objective.sample_gradients(&samples, &[0, 4, 5, 16, 29, 30], Mode::Probe);
            rows.unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        for (a, b) in of_samples(&by_graph).iter().zip(of_samples(&by_layers)) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }

    /// One step of differences that a kink lies within is seen by the other.
    #[test]
    fn differences_of_gradients_agree_or_are_refused() {
        let data = Arc::new(blobs(30));
        let smooth = CandleModel::new(|vb: VarBuilder<'_>| {
            let (first, second) = (linear(3, 5, vb.pp("fc1"))?, linear(5, 2, vb.pp("fc2"))?);
            let forward = move |x: &Tensor| second.forward(&first.forward(x)?.gelu_erf()?);
            Ok(Box::new(func(forward)) as SharedModule)
        });
        let params = smooth.init(&Streams::new(4), &Device::Cpu).unwrap();
        let copy = params.duplicate().unwrap();
        let by_graph = Objective::new(Arc::new(smooth), data.clone(), params).unwrap();
        let layers = Mlp::new(3, &[5], 2).with_activation(crate::ops::Activation::Gelu);
        let by_layers = Objective::new(Arc::new(layers), data.clone(), copy).unwrap();
        let direction: Vec<f64> = (0..32).map(|i| f64::from(i % 7) - 3.).collect();
        let [found, expected] = [&by_graph, &by_layers]
            .map(|objective| objective.in_f64().unwrap().hessian_product(&direction).unwrap());
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
        let refusal = |objective: &Objective| match objective.hessian_product(&direction) {
            Err(TrainError::NoHessian(reason)) => reason,
            other => panic!("{other:?}"),
        };
        assert!(refusal(&by_graph).contains("in single precision"));

        // Every unit lies on its kink.
        let params = own().init(&Streams::new(4), &Device::Cpu).unwrap();
        let mut weights = params.flatten().unwrap();
        weights[..20].fill(0.);
        params.assign(&weights).unwrap();
        let kinked = Objective::new(Arc::new(own()), data, params).unwrap().in_f64().unwrap();
        assert!(refusal(&kinked).contains("do not agree"));
    }

    /// Laws of the draws, and the same bytes from the same seed.
    #[test]
    fn parameters_are_drawn_from_the_streams() {
        let model = CandleModel::new(|vb: VarBuilder<'_>| {
            let wide =
                vb.get_with_hints((200, 50), "wide", Init::Randn { mean: 2., stdev: 0.5 })?;
            vb.get_with_hints(10_000, "flat", Init::Uniform { lo: -1., up: 3. })?;
            assert_eq!(vb.get((200, 50), "wide")?.dims(), wide.dims());
            Ok(Box::new(candle_nn::Linear::new(wide, None)) as SharedModule)
        });
        let params = model.init(&Streams::new(9), &Device::Cpu).unwrap();
        let again = model.init(&Streams::new(9), &Device::Cpu).unwrap();
        assert_eq!(params.flatten().unwrap(), again.flatten().unwrap());
        let values = params.flatten().unwrap();
        let moments = |values: &[f64]| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
            (mean, (square / values.len() as f64).sqrt())
        };
        let (mean, std) = moments(&values[..10_000]);
        assert!((mean - 2.).abs() < 0.02 && (std - 0.5).abs() < 0.02);
        let (mean, std) = moments(&values[10_000..]);
        assert!((mean - 1.).abs() < 0.05 && (std - 4. / 12f64.sqrt()).abs() < 0.02);
    }

    /// State that a forward pass changes gets no gradient.
    #[test]
    fn running_statistics_among_the_parameters_are_an_error() {
        let model = CandleModel::new(|vb: VarBuilder<'_>| {
            let norm = candle_nn::batch_norm(3, 1e-5, vb.pp("bn"))?;
            Ok(Box::new(norm) as SharedModule)
        });
        let params = model.init(&Streams::new(9), &Device::Cpu).unwrap();
        let objective = Objective::new(Arc::new(model), Arc::new(blobs(20)), params).unwrap();
        let message = objective.loss_and_gradient(&[0, 1, 2], Mode::Train).unwrap_err().to_string();
        assert!(message.contains("running_mean"), "{message}");
    }
}
