//! Fits, distances and adjusted p-values against SciPy and statsmodels (`tests/golden/statistics/make_golden.py`).

use serde_json::Value;
use stats::{
    Location, benjamini_hochberg, benjamini_yekutieli, edf_statistics, fit_gaussian,
    fit_generalised_gaussian, fit_laplace, fit_student_t, fit_symmetric_stable,
};

fn golden() -> Value {
    serde_json::from_str(include_str!("../../../tests/golden/statistics/golden.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Parameters and logarithm of the likelihood.
fn expected(value: &Value) -> (Vec<f64>, f64) {
    (numbers(&value[0]), value[1].as_f64().unwrap())
}

/// Within `tolerance` of the scale, which comes last, and relative for the others.
#[track_caller]
fn assert_same(name: &str, found: (&[f64], f64), expected: (Vec<f64>, f64), tolerance: f64) {
    let scale = expected.0.last().unwrap();
    for (found, expected) in found.0.iter().zip(&expected.0) {
        let unit = expected.abs().max(*scale);
        assert!((found - expected).abs() < tolerance * unit, "{name}: {found} {expected}");
    }
    assert!((found.1 - expected.1).abs() < 1e-6, "{name}: {} {}", found.1, expected.1);
}

/// A maximum is flat: where the likelihood is the same to 1e-11, parameters are to some 1e-6.
#[test]
fn fits_are_those_of_scipy() {
    let golden = golden();
    let mut n_inside = 0;
    for (name, series) in golden["series"].as_object().unwrap() {
        let (x, fits) = (numbers(series), &golden["fits"][name]);
        let law = fit_gaussian(&x, Location::Free).unwrap();
        let found = ([law.law.mean(), law.law.std()], law.ln_likelihood);
        assert_same(name, (&found.0, found.1), expected(&fits["gaussian"]), 1e-12);
        let law = fit_laplace(&x, Location::Free).unwrap();
        let found = law.law.b();
        let (parameters, ln_likelihood) = expected(&fits["laplace"]);
        // Between the two samples in the middle every location is as good.
        assert_same(
            name,
            (&[found], law.ln_likelihood),
            (vec![parameters[1]], ln_likelihood),
            1e-12,
        );
        let law = fit_student_t(&x, Location::Free).unwrap();
        let (parameters, ln_likelihood) = expected(&fits["student_t"]);
        if parameters[0] < 100. {
            n_inside += 1;
            let found = [law.law.nu(), law.law.mu(), law.law.sigma()];
            let expected = (parameters, ln_likelihood);
            assert_same(name, (&found, law.ln_likelihood), expected, 1e-4);
        } else {
            assert!(law.ln_likelihood > ln_likelihood - 0.01, "{name}: nearly Gaussian");
        }
        let law = fit_generalised_gaussian(&x, Location::Free).unwrap();
        let (parameters, ln_likelihood) = expected(&fits["generalised_gaussian"]);
        if parameters[0] > 1.1 {
            n_inside += 1;
            let found = [law.law.beta(), law.law.mu(), law.law.scale()];
            let expected = (parameters, ln_likelihood);
            assert_same(name, (&found, law.ln_likelihood), expected, 1e-4);
        } else {
            // A likelihood with cusps, on which SciPy's search may end below the top.
            assert!(law.ln_likelihood > ln_likelihood - 1e-6, "{name}: {}", law.ln_likelihood);
        }
    }
    assert_eq!(n_inside, 5);
}

/// SciPy integrates the density of the stable law numerically, by Nolan's formula.
#[test]
fn stable_fits_are_those_of_scipy() {
    let golden = golden();
    for (name, fit) in golden["stable"].as_object().unwrap() {
        let found =
            fit_symmetric_stable(&numbers(&golden["series"][name]), Location::Free).unwrap();
        let (parameters, ln_likelihood) = expected(fit);
        let law = [found.law.alpha(), found.law.gamma(), found.law.delta()];
        for (found, expected) in law.iter().zip(&parameters) {
            let unit = parameters[1].max(expected.abs());
            assert!((found - expected).abs() < 2e-3 * unit, "{name}: {law:?} {parameters:?}");
        }
        assert!((found.ln_likelihood - ln_likelihood).abs() < 1e-3, "{name}: {ln_likelihood}");
    }
}

#[test]
fn distances_are_those_of_scipy() {
    let golden = golden();
    let law = stats::Gaussian::new(0.1, 1.4).unwrap();
    let found = edf_statistics(&numbers(&golden["series"]["gaussian"]), &law);
    for (found, name) in [
        (found.ks, "ks"),
        (found.cramer_von_mises, "cramer_von_mises"),
        (found.anderson_darling, "anderson_darling"),
    ] {
        let expected = golden["distances"][name].as_f64().unwrap();
        assert!((found / expected - 1.).abs() < 1e-9, "{name}: {found} {expected}");
    }
}

#[test]
fn adjusted_p_values_are_those_of_statsmodels() {
    let golden = golden();
    let p_values = numbers(&golden["p_values"]);
    for (found, name) in [
        (benjamini_hochberg(&p_values), "benjamini_hochberg"),
        (benjamini_yekutieli(&p_values), "benjamini_yekutieli"),
    ] {
        for (found, expected) in found.iter().zip(numbers(&golden[name])) {
            assert!((found - expected).abs() < 1e-14, "{name}: {found} {expected}");
        }
    }
}
