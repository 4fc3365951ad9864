//! Losses of formula landscapes against values of the literature.

use escape::LandscapeSpec;
use train::Streams;

fn loss(spec: LandscapeSpec, w: &[f64]) -> f64 {
    let landscape = spec.build(&Streams::new(1)).unwrap();
    landscape.site().unwrap().evaluate(w).unwrap().loss
}

/// 20 + e − 20 e^{−0.2 √(mean w²)} − e^{mean cos 2πw}: 0 at 0, and at (1, 1), where the cosines are 1, 20 (1 − e^{−0.2}) =
/// 3.6253849 (Surjanovic and Bingham, Virtual Library of Simulation Experiments, "Ackley function").
#[test]
fn ackley() {
    let at = |w: &[f64]| loss(LandscapeSpec::Ackley { dimension: 2 }, w);
    assert!(at(&[0., 0.]).abs() < 1e-12);
    assert!((at(&[1., 1.]) - 3.625_384_938_440_362).abs() < 1e-12, "{}", at(&[1., 1.]));
}

/// ½ Σ (w⁴ − 16 w² + 5 w): in two dimensions −10 at (1, 1), and −78.33233 at the minimum, −2.903534 in each (the same
/// library).
#[test]
fn styblinski_tang() {
    let of = |w: &[f64]| loss(LandscapeSpec::StyblinskiTang { dimension: 2 }, w);
    let minimum = of(&[-2.903_534, -2.903_534]);
    assert!((of(&[1., 1.]) - minimum - (78.332_33 - 10.)).abs() < 1e-4, "{minimum}");
}

/// Its two wells are as deep, and the barrier between them is as high as it says.
#[test]
fn double_well() {
    let spec = || LandscapeSpec::DoubleWell { barrier: 0.7 };
    let minimum = spec().build(&Streams::new(1)).unwrap().minimum().to_vec();
    let (left, middle, right) =
        (loss(spec(), &minimum), loss(spec(), &[0.]), loss(spec(), &[-minimum[0]]));
    assert!((middle - left - 0.7).abs() < 1e-12 && (left - right).abs() < 1e-12);
}
