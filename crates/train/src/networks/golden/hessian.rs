//! Products of the Hessian held against PyTorch's double backward: `tests/golden/hessian/make_golden.py`.

use super::*;

/// `H v` of every parameter, v by the formula.
fn check_products(
    golden: &Golden,
    prefix: &str,
    model: &dyn Model,
    loss: Loss,
    (inputs, labels): (&Tensor, &[u32]),
) {
    let params = formula_params(model, inputs.dtype());
    let network = model.bind(&params).unwrap();
    let direction: Vec<Tensor> = params
        .named_tensors()
        .map(|(name, like)| {
            formula::values(&format!("{name}#direction"), like.dims(), inputs.dtype())
        })
        .collect();
    let products = network.hessian_product(inputs, &direction, &mut |outputs, tangent| {
        loss.gradient_and_tangent(outputs, tangent, labels)
    });
    let norm_of = |name: &str| golden.get(&format!("{prefix}product_norm.{name}"))[0];
    let whole = norm(&params.named_tensors().map(|(name, _)| norm_of(name)).collect::<Vec<_>>());
    for ((name, _), product) in params.named_tensors().zip(products.unwrap()) {
        let product = flat(&product.expect("a product"));
        if norm_of(name) < 1e-9 * whole {
            // Where the softmax is saturated, what is left of the last bias is PyTorch's rounding.
            assert!(norm(&product) < 1e-9 * whole, "{name}");
            continue;
        }
        let relative = (norm(&product) / norm_of(name) - 1.).abs();
        assert!(relative <= golden.tolerance, "{name}: norm off by {relative:e}");
        golden.check_samples(&format!("{prefix}product_samples.{name}"), name, &product);
    }
}

fn check(model: &dyn Model, file: &str, input: &str, shape: &[usize], tolerances: [f64; 2]) {
    for (dtype, tolerance) in [(DType::F64, tolerances[0]), (DType::F32, tolerances[1])] {
        let golden = Golden::read(&format!("../hessian/{file}.safetensors"), tolerance);
        let (inputs, labels) = batch(&golden, input, shape, dtype);
        check_products(&golden, "", model, Loss::CrossEntropy, (&inputs, &labels));
        if file.starts_with("mlp") {
            check_products(&golden, "mse_", model, Loss::MeanSquareOneHot, (&inputs, &labels));
        }
    }
}

#[test]
fn products_of_perceptrons() {
    for (activation, name) in
        [(Activation::Relu, "relu"), (Activation::Tanh, "tanh"), (Activation::Gelu, "gelu")]
    {
        let model = Mlp::new(784, &[100, 100], 10).with_activation(activation);
        check(&model, &format!("mlp_{name}"), "input.1", &[8, 784], [1e-10, 1e-5]);
    }
}

#[test]
fn products_of_the_network_of_zhu() {
    check(&ZhuNetwork::new([1, 28, 28], 10), "zhu", "input.8", &[8, 1, 28, 28], [1e-10, 1e-5]);
}

/// In `f32` a few of the millions of activations lie on the other side of their kink.
#[test]
fn products_of_resnet20() {
    let model = ResNet::cifar(20, CIFAR, 10);
    check(&model, "resnet20", "input.226", &[8, 3, 32, 32], [1e-10, 1e-3]);
}
