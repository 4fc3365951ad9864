use std::sync::Arc;

use candle_core::{Device, Tensor};
use rand::RngExt;
use rand::distr::Distribution;
use stats::{Gaussian, Moments, StudentT, SymmetricStable};
use train::data::{DataSpec, Dataset, Split, load};
use train::{Mlp, Mode, Model, ModelSpec, flatten};

use super::*;
use crate::{Amount, FittedLocation};

const GO_ON: &(dyn Fn() -> Flow + Sync) = &|| Flow::Continue;

fn spec(keys: &str) -> ProbeSpec {
    toml::from_str(keys).unwrap()
}

fn measure(objective: &Objective, spec: &ProbeSpec, fit: &FitSpec) -> Vec<(&'static str, Table)> {
    let probe = Probe::new(objective, spec, fit, &Streams::new(5)).unwrap();
    probe.measure(Extent::Full, GO_ON, &mut |_, _| Ok(())).unwrap().tables
}

fn table<'a>(tables: &'a [(&str, Table)], name: &str) -> &'a Table {
    &tables.iter().find(|(found, _)| *found == name).unwrap().1
}

fn perceptron() -> Objective {
    mlp(&[6, 5])
}

fn mlp(hidden: &[usize]) -> Objective {
    let data = Arc::new(load(&DataSpec::embedded("ionosphere"), &Device::Cpu).unwrap());
    let model: Arc<dyn Model> = ModelSpec::mlp(hidden).build(&data).into();
    let params = model.init(&Streams::new(2).named("init"), &Device::Cpu).unwrap();
    Objective::new(model, data, params).unwrap()
}

/// Softmax regression on two classes at weight 0: the gradient of a sample is ±x/2, whatever its label.
fn regression(features: &[&dyn Fn(u64) -> f64], n_samples: usize) -> Objective {
    let inputs: Vec<f32> = (0..n_samples as u64)
        .flat_map(|sample| features.iter().map(move |feature| feature(sample) as f32))
        .collect();
    let inputs = Tensor::from_vec(inputs, (n_samples, features.len()), &Device::Cpu).unwrap();
    let mut rng = Streams::new(11).rng(0);
    let labels = (0..n_samples).map(|_| rng.random_range(0..2)).collect();
    let data = Dataset {
        name: "regression".into(),
        classes: vec!["0".into(), "1".into()],
        image: None,
        train: Split::new(inputs, labels),
        test: None,
        digest: None,
    };
    let model = Arc::new(Mlp::new(features.len(), &[], 2));
    let params = model.init(&Streams::new(1), &Device::Cpu).unwrap();
    for var in params.vars() {
        var.set(&var.zeros_like().unwrap()).unwrap();
    }
    Objective::new(model, Arc::new(data), params).unwrap()
}

/// The noise of a parameter is the law of its input, and a mean of B of them.
#[test]
fn a_known_law_is_given_back() {
    let n_samples = 40_000;
    let draw = |law: &dyn Fn(&mut rand_chacha::ChaCha8Rng) -> f64, name: &str, sample: u64| {
        law(&mut Streams::new(3).named(name).rng(sample))
    };
    let stable = SymmetricStable::new(1.5, 2., 0.).unwrap();
    let student = StudentT::new(3., 0., 1.).unwrap();
    let normal = Gaussian::new(0., 3.).unwrap();
    let features: [&dyn Fn(u64) -> f64; 3] = [
        &|sample| draw(&|rng| stable.sample(rng), "stable", sample),
        &|sample| draw(&|rng| student.sample(rng), "student", sample),
        &|sample| draw(&|rng| normal.sample(rng), "normal", sample),
    ];
    let objective = regression(&features, n_samples);
    let keys = "parameters = \"all\"\nlayers = [\"*.weight\"]\nbatch_sizes = [1, 16]\ndraws = 4000\n\
                sampling = \"with_replacement\"\nmethod = \"per_sample\"";
    // A level at which chance does not decide.
    let fit = FitSpec { level: 1e-3, ..FitSpec::default() };
    let tables = measure(&objective, &spec(keys), &fit);
    let noise = table(&tables, "noise");
    let (alpha, gamma) = (noise.reals("alpha").unwrap(), noise.reals("gamma").unwrap());
    let verdict = noise.texts("verdict").unwrap();
    // Rows: two sizes of three features for class 0, and of three for class 1 with the other sign.
    for class in [0, 3] {
        let [at_1, at_16] = [class, 6 + class];
        // At N = 4000 the standard error of α̂ is 0.02, that of ln γ̂ 0.02.
        for at in [at_1, at_16] {
            assert!((alpha[at] - 1.5).abs() < 0.1, "{}", alpha[at]);
            assert_eq!(verdict[at], "heavy, SαS");
        }
        // A mean of B stable variables has the scale γ B^{1/α − 1}.
        assert!((gamma[at_1] - 1.).abs() < 0.1, "{}", gamma[at_1]);
        let expected = 16f64.powf(1. / 1.5 - 1.);
        assert!((gamma[at_16] / expected - 1.).abs() < 0.1, "{}", gamma[at_16]);

        let [at_1, at_16] = [class + 1, 6 + class + 1];
        assert!((1.5..1.72).contains(&alpha[at_1]), "{}", alpha[at_1]);
        assert!(alpha[at_16] > alpha[at_1] + 0.1, "{} {}", alpha[at_1], alpha[at_16]);
        assert_eq!(verdict[at_1], "heavy, finite variance");
        assert_eq!(noise.texts("best_law_by_bic").unwrap()[at_1], "Student-t");

        for at in [class + 2, 6 + class + 2] {
            assert!(alpha[at] > 1.98, "{}", alpha[at]);
            assert_eq!(verdict[at], "Gaussian not rejected");
        }
        let deviation = noise.reals("gaussian_std").unwrap()[6 + class + 2];
        assert!((deviation / (1.5 / 4.) - 1.).abs() < 0.05, "{deviation}");
    }
    // Sums of draws keep a stable law's α and raise that of Student's.
    let aggregation = table(&tables, "noise_aggregation");
    let alpha_of = |parameter: &str, block: i64| {
        let row = (0..aggregation.n_rows()).find(|&row| {
            aggregation.integers("batch_size").unwrap()[row] == 1
                && aggregation.texts("parameter").unwrap()[row] == parameter
                && aggregation.integers("block").unwrap()[row] == block
        });
        aggregation.reals("alpha").unwrap()[row.unwrap()]
    };
    // From one batch size to the other as well.
    let common = table(&tables, "noise_common_alpha");
    let p_adjusted = common.reals("p_adjusted").unwrap();
    assert_eq!(common.texts("parameter").unwrap()[1], "fc1.weight[0,1]");
    for class in [0, 3] {
        assert!(p_adjusted[class] > 1e-3 && p_adjusted[class + 2] > 1e-3, "{p_adjusted:?}");
        assert!(p_adjusted[class + 1] < 1e-3, "{p_adjusted:?}");
        assert!((common.reals("alpha").unwrap()[class] - 1.5).abs() < 0.1);
    }
    assert!((alpha_of("fc1.weight[0,0]", 16) - 1.5).abs() < 0.3);
    assert!(alpha_of("fc1.weight[0,1]", 16) > 1.75);
}

/// At weight 0 the gradient of a bias is ±1/2 by the label alone: its noise is a count of labels.
#[test]
fn noise_of_labels_is_hypergeometric() {
    let (n_samples, batch_size) = (500, 20);
    let objective = regression(&[&|_| 0.], n_samples);
    let keys = format!(
        "parameters = \"all\"\nlayers = [\"*.bias\"]\nbatch_sizes = [{batch_size}]\ndraws = 20000"
    );
    let spec = spec(&keys);
    let mut draws = Vec::new();
    let fit = FitSpec::default();
    let probe = Probe::new(&objective, &spec, &fit, &Streams::new(5)).unwrap();
    let mut keep = |noise: &NoiseMatrix, _| {
        draws = noise.column(0).to_vec();
        Ok(())
    };
    probe.measure(Extent::Brief, GO_ON, &mut keep).unwrap();
    let labels = objective.data().train.labels();
    let share = labels.iter().filter(|label| **label == 0).count() as f64 / n_samples as f64;
    let counts = draws.iter().map(|u| (u + share) * batch_size as f64);
    assert!(counts.clone().all(|count| (count - count.round()).abs() < 1e-4));
    let factor = (n_samples - batch_size) as f64 / (n_samples - 1) as f64;
    let expected = share * (1. - share) / batch_size as f64 * factor;
    let found = Moments::from_slice(&draws);
    // A standard error of √(2/20000) = 0.01; without the factor it would be off by 0.04.
    assert!((found.variance() / expected - 1.).abs() < 0.03, "{}", found.variance() / expected);
    assert!(found.mean().abs() < 5. * (expected / 20_000.).sqrt());
}

/// 1001 parameters in one block, whose noise is at hand when the eigenvectors are found, and in blocks that are drawn twice.
#[test]
fn eigenvectors_of_many_parameters_do_not_depend_on_blocks() {
    let objective = mlp(&[24, 16]);
    let n_parameters = CLOSE_LOOK + 1;
    let fit = FitSpec::default();
    for method in ["minibatch", "per_sample"] {
        let keys = "parameters = 1001\nbatch_sizes = [4, 16]\ndraws = 510\neigenvectors = 3";
        let whole = spec(&format!("{keys}\nmethod = \"{method}\""));
        let in_blocks = ProbeSpec { memory_mib: 3, ..whole.clone() };
        let covariances = |spec: &ProbeSpec| {
            let probe = Probe::new(&objective, spec, &fit, &Streams::new(5)).unwrap();
            let n_asked = std::sync::atomic::AtomicUsize::new(0);
            let go_on = || {
                n_asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Flow::Continue
            };
            let mut draws = Vec::new();
            let mut keep = |noise: &NoiseMatrix, _| {
                draws.push(noise.clone());
                Ok(())
            };
            let measured = probe.measure(Extent::Full, &go_on, &mut keep).unwrap();
            assert_eq!(n_asked.into_inner(), probe.n_pieces(), "{method}");
            (measured.covariances, draws)
        };
        let (expected, draws) = covariances(&whole);
        let (found, blocks) = covariances(&in_blocks);
        assert!(draws.len() == 2 && blocks.len() > 2);
        for ((found, expected), noise) in found.iter().zip(&expected).zip(&draws) {
            assert_eq!(found.batch_size(), noise.batch_size());
            for idx in 0..n_parameters {
                let squares = noise.column(idx)[..500].iter().map(|u| u * u);
                let variance = squares.sum::<f64>() / 500.;
                assert!((found.diagonal()[idx] - variance).abs() <= 1e-12 * variance);
            }
            for rank in 0..3 {
                let (found, expected) = (found.eigenvector(rank), expected.eigenvector(rank));
                let product: f64 = found.iter().zip(expected).map(|(v, w)| v * w).sum();
                assert!((product.abs() - 1.).abs() < 1e-9, "{method} {rank}: {product}");
            }
        }
    }
}

/// Tr Σ and B_simple against a loop over samples, by draws and by single samples.
#[test]
fn noise_scale_is_that_of_a_loop_over_samples() {
    let objective = perceptron();
    let n_samples = objective.data().train.len();
    let gradients: Vec<Vec<f64>> = (0..n_samples as u32)
        .map(|sample| {
            let (_, gradient) = objective.loss_and_gradient(&[sample], Mode::Probe).unwrap();
            flatten(gradient.iter()).unwrap()
        })
        .collect();
    let n_parameters = gradients[0].len();
    let mean = |idx: usize| gradients.iter().map(|g| g[idx]).sum::<f64>() / n_samples as f64;
    let mean: Vec<f64> = (0..n_parameters).map(mean).collect();
    let square_norm: f64 = mean.iter().map(|g| g * g).sum();
    let square = |g: &Vec<f64>| g.iter().zip(&mean).map(|(g, m)| (g - m).powi(2)).sum::<f64>();
    let trace = gradients.iter().map(square).sum::<f64>() / n_samples as f64;

    let keys = "parameters = 3\nbatch_sizes = [1, 40]\ndraws = 4000\nmethod = ";
    for (method, tolerance) in [("\"minibatch\"", 0.1), ("\"per_sample\"", 1e-5)] {
        for sampling in ["without_replacement", "with_replacement"] {
            let keys = format!("{keys}{method}\nsampling = \"{sampling}\"");
            let tables = measure(&objective, &spec(&keys), &FitSpec::default());
            let found = table(&tables, "noise_scale");
            let real = |name: &str, row: usize| found.reals(name).unwrap()[row];
            for (row, batch_size) in [(0, 1.), (1, 40.)] {
                let factor = match sampling {
                    "with_replacement" => 1.,
                    _ => (n_samples as f64 - batch_size) / (n_samples as f64 - 1.),
                };
                let near = |name: &str, expected: f64| {
                    let found = real(name, row);
                    let error = (found / expected - 1.).abs();
                    assert!(error < tolerance, "{method} {name}: {found} {expected}");
                };
                near("trace", trace * factor / batch_size);
                near("trace_of_sample", trace);
                near("noise_scale", trace / square_norm);
                near("gradient_norm", square_norm.sqrt());
                let expected = trace / square_norm * (1. + tolerance.min(1e-5));
                assert!(real("noise_scale_low", row) <= expected);
                let error = real("trace_standard_error", row);
                assert_eq!(error == 0., method == "\"per_sample\"");
            }
        }
    }
}

#[test]
fn blocks_and_threads_change_nothing() {
    let objective = perceptron();
    let fit = FitSpec { location: FittedLocation::Zero, ..FitSpec::default() };
    for method in [Method::Minibatch, Method::PerSample] {
        let keys = "parameters = { per_layer = 5 }\nbatch_sizes = [4, 16]\ndraws = 5000";
        let whole = ProbeSpec { method, ..spec(keys) };
        // 26 parameters in 1 MiB for one size, 6 for the sums and draws of two.
        let in_blocks =
            ProbeSpec { memory_mib: 1, parameters: Amount::Uniform(30), ..whole.clone() };
        let whole = ProbeSpec { memory_mib: 2560, ..in_blocks.clone() };
        let streams = Streams::new(5);
        let n_blocks = |spec: &ProbeSpec| {
            let probe = Probe::new(&objective, spec, &fit, &streams).unwrap();
            30usize.div_ceil(probe.block_len())
        };
        assert!(n_blocks(&whole) == 1 && n_blocks(&in_blocks) > 1);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let expected = measure(&objective, &whole, &fit);
        let found = pool.install(|| measure(&objective, &in_blocks, &fit));
        for ((name, expected), (_, found)) in expected.iter().zip(&found) {
            assert_eq!(expected.to_parquet(), found.to_parquet(), "{name}");
        }
    }
}

#[test]
fn pieces_are_as_many_as_are_told() {
    let objective = perceptron();
    for keys in [
        "parameters = 7\nbatch_sizes = [4, 16]\ndraws = 60",
        "parameters = 7\nbatch_sizes = [4, 16]\ndraws = 60\nmethod = \"per_sample\"",
    ] {
        let (spec, fit) = (spec(keys), FitSpec { replicates: Some(19), ..FitSpec::default() });
        let probe = Probe::new(&objective, &spec, &fit, &Streams::new(5)).unwrap();
        let n_asked = std::sync::atomic::AtomicUsize::new(0);
        let go_on = || {
            n_asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Flow::Continue
        };
        let tables = probe.measure(Extent::Full, &go_on, &mut |_, _| Ok(())).unwrap().tables;
        assert_eq!(table(&tables, "noise_tests").n_rows(), 2 * 7);
        assert_eq!(n_asked.into_inner(), probe.n_pieces(), "{keys}");
    }
}
