//! `stable` against closed forms.

use std::io::Write;
use std::process::Stdio;

use crate::workdir::{WorkDir, said};

fn numbers(out: &str) -> Vec<f64> {
    out.lines().map(|line| line.parse().unwrap()).collect()
}

#[track_caller]
fn check(args: &[&str], expected: &[f64]) {
    let out = WorkDir::new().succeed(&[&["stable"], args].concat()).out;
    for (value, expected) in numbers(&out).iter().zip(expected) {
        assert!((value / expected - 1.).abs() < 1e-13, "{args:?}: {value} against {expected}");
    }
    assert_eq!(out.lines().count(), expected.len());
    assert!(out.lines().all(|line| line.trim_start_matches('-').find('e') == Some(18)), "{out}");
}

#[test]
fn cauchy_and_gaussian_in_closed_form() {
    let pi = std::f64::consts::PI;
    check(&["pdf", "--alpha", "1", "0", "-1"], &[1. / pi, 0.5 / pi]);
    check(&["logpdf", "--alpha", "1", "--gamma", "2", "--delta=-5", "-5"], &[-(2. * pi).ln()]);
    check(&["cdf", "--alpha", "1", "-1e9"], &[1e-9 / pi]);
    check(&["sf", "--alpha", "1", "1"], &[0.25]);
    // What `stable` prints, it also reads.
    check(&["cdf", "--alpha", "1", "-1.0000000000000000e0", "--delta", "-1e-300"], &[0.25]);
    check(&["quantile", "--alpha", "1", "0.75"], &[1.]);
    // N(0, 2): Φ(1.96/√2·√2) by its 97.5 % point, 1.959963984540054.
    check(&["quantile", "--alpha", "2", "0.975"], &[1.959_963_984_540_054 * 2f64.sqrt()]);
}

#[test]
fn values_come_from_standard_input_too() {
    let work = WorkDir::new();
    let mut command = work.command(&["stable", "sf", "--alpha", "1"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"1\n\n-1\n").unwrap();
    let said = said(child.wait_with_output().unwrap());
    assert_eq!(said.code, 0, "{}", said.err);
    let values = numbers(&said.out);
    assert!((values[0] - 0.25).abs() < 1e-15 && (values[1] - 0.75).abs() < 1e-15);
}

#[test]
fn samples_are_those_of_the_seed() {
    let work = WorkDir::new();
    let draw =
        |seed| work.succeed(&["stable", "sample", "--alpha", "1.5", "--n", "500", "--seed", seed]);
    assert_eq!(draw("1").out, draw("1").out);
    assert_ne!(draw("1").out, draw("2").out);
    let n_inside = numbers(&draw("3").out).iter().filter(|x| x.abs() < 0.968_933).count();
    // The quartiles of SαS(1.5, 1, 0) are ±0.9689; 500 draws fall between them 250 ± 11 times.
    assert!((200..300).contains(&n_inside), "{n_inside}");
}

#[test]
fn what_is_out_of_range_is_refused() {
    let work = WorkDir::new();
    let line = work.fail(2, &["stable", "pdf", "--alpha", "2.3", "0"]);
    assert_eq!(line, "stability index alpha = 2.3 is outside (0, 2]");
    let line = work.fail(2, &["stable", "pdf", "--alpha", "1", "--gamma", "0", "0"]);
    assert_eq!(line, "scale gamma = 0 is not a positive finite number");
    let line = work.fail(2, &["stable", "sample", "--alpha", "1", "7"]);
    assert_eq!(line, "`sample` takes no values; --n N says how many");
    let line = work.fail(2, &["stable", "pdf", "--alpha", "1", "--n", "3", "7"]);
    assert_eq!(line, "--n and --seed are for `sample`");
    let line = work.fail(2, &["stable", "quantile", "--alpha", "1", "1.5"]);
    assert_eq!(line, "probability 1.5 is outside [0, 1]");
}
