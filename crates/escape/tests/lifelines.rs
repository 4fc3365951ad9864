//! Survival curves and laws of exit times against lifelines (`tests/golden/statistics/make_golden.py`).

use escape::exit_laws::{Family, fit_exit_law};
use escape::{ExitSample, ExitTime};
use serde_json::Value;

/// Samples with ties and censoring, seen at every iteration and by checks that are far apart.
fn samples() -> Vec<Value> {
    let golden = include_str!("../../../tests/golden/statistics/golden.json");
    let golden: Value = serde_json::from_str(golden).unwrap();
    golden["exits"].as_array().unwrap().clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn times(sample: &Value) -> (Vec<ExitTime>, u64) {
    let times =
        sample["times"].as_array().unwrap().iter().zip(sample["exited"].as_array().unwrap());
    let times = times.map(|(time, exited)| match exited.as_bool().unwrap() {
        true => ExitTime::Exited(time.as_u64().unwrap()),
        false => ExitTime::Censored(time.as_u64().unwrap()),
    });
    (times.collect(), sample["check_every"].as_u64().unwrap())
}

#[test]
fn survival_curves() {
    for sample in samples() {
        let (times, _) = times(&sample);
        let found = ExitSample::new(times).survival();
        for step in sample["survival"].as_array().unwrap() {
            let step = numbers(step);
            let found = found.iter().find(|point| point.iterations == step[0] as u64).unwrap();
            assert!((found.survival - step[1]).abs() < 1e-12, "{found:?} {step:?}");
            if found.survival > 0. {
                assert!((found.low - step[2]).abs() < 1e-9, "{found:?} {step:?}");
                assert!((found.high - step[3]).abs() < 1e-9, "{found:?} {step:?}");
            }
        }
    }
}

/// The likelihood of what lies between two checks.
#[test]
fn exponential_and_weibull_laws() {
    for sample in samples() {
        let (times, check_every) = times(&sample);
        let close = |found: f64, expected: f64, tolerance: f64| {
            assert!((found / expected - 1.).abs() < tolerance, "{found} {expected}");
        };
        let weibull = fit_exit_law(&times, check_every, Family::Weibull).unwrap();
        let expected = numbers(&sample["weibull"]);
        close(weibull.scale.value, expected[0], 1e-4);
        close(weibull.shape.value, expected[1], 1e-4);
        close(weibull.ln_likelihood, expected[2], 1e-7);
        let exponential = fit_exit_law(&times, check_every, Family::Exponential).unwrap();
        let expected = numbers(&sample["exponential"]);
        close(exponential.scale.value, expected[0], 1e-4);
        close(exponential.ln_likelihood, expected[1], 1e-7);
    }
}
