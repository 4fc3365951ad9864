//! Second derivatives by candle's graph, in a process of its own: candle looks at `CANDLE_GRAD_DO_NOT_DETACH` once.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Module, Result, Shape, Tensor};
use candle_nn::{VarBuilder, func, linear};
use train::networks::Mlp;
use train::{CandleModel, Model, Objective, SharedModule, Streams, TrainError, data};

/// The square, whose derivative does not know its own.
struct Square;

impl CustomOp1 for Square {
    fn name(&self) -> &'static str {
        "square"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let values = storage.as_slice::<f64>()?;
        let (start, end) = layout.contiguous_offsets().expect("contiguous");
        let squares = values[start..end].iter().map(|value| value * value).collect();
        Ok((CpuStorage::F64(squares), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some((x.detach() * gradient)?.affine(2., 0.)?))
    }
}

fn perceptron(activation: fn(&Tensor) -> Result<Tensor>) -> impl Model {
    CandleModel::new(move |vb: VarBuilder<'_>| {
        let (first, second) = (linear(34, 16, vb.pp("fc1"))?, linear(16, 2, vb.pp("fc2"))?);
        let forward = move |x: &Tensor| second.forward(&activation(&first.forward(x)?)?);
        Ok(Box::new(func(forward)) as SharedModule)
    })
}

#[test]
fn products_are_those_of_the_layers_and_operations_that_break_off_are_found() {
    // SAFETY: the only test of its process, and no thread of its own runs yet.
    unsafe { std::env::set_var("CANDLE_GRAD_DO_NOT_DETACH", "1") };
    let spec = data::DataSpec::embedded("ionosphere");
    let data = Arc::new(data::load(&spec, &Device::Cpu).unwrap());
    let product = |model: Arc<dyn Model>| {
        let params = model.init(&Streams::new(4), &Device::Cpu).unwrap();
        let params = params.to_dtype(DType::F64).unwrap();
        let layers: Arc<dyn Model> = Arc::new(Mlp::new(34, &[16], 2));
        let copy = params.duplicate().unwrap();
        let direction: Vec<f64> = (0..params.n_parameters()).map(|i| (i % 7) as f64 - 3.).collect();
        let by_layers = Objective::new(layers, data.clone(), copy).unwrap();
        let by_graph = Objective::new(model, data.clone(), params).unwrap();
        [by_graph, by_layers].map(|objective| objective.hessian_product(&direction))
    };
    let [found, expected] = product(Arc::new(perceptron(|x| x.relu()))).map(|found| found.unwrap());
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-12 * (1. + expected.abs()), "{found} {expected}");
    }
    assert!(found.iter().any(|value| value.abs() > 1e-2));
    let [broken, _] = product(Arc::new(perceptron(|x| x.apply_op1(Square))));
    match broken {
        Err(TrainError::NoHessian(reason)) => assert!(reason.contains("whose own derivative")),
        other => panic!("{other:?}"),
    }
}
