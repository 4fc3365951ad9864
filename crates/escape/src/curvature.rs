//! The largest eigenvalues of the Hessian, from gradients alone.

use nalgebra::{DMatrix, SymmetricEigen};
use rand::RngExt;
use rand_distr::StandardNormal;
use train::{Flow, Streams};

use crate::error::EscapeError;
use crate::landscape::Landscape;

/// What is known of the curvature at a minimum.
#[derive(Debug, Clone, PartialEq)]
pub struct Curvature {
    /// Number of coordinates D.
    pub dimension: usize,
    /// ‖∇L(w*)‖.
    pub gradient_norm: f64,
    /// The largest eigenvalues of the Hessian, falling.
    pub eigenvalues: Vec<f64>,
    /// A bound for the error of each: the residual ‖H v − λ v‖, in the same order.
    pub residuals: Vec<f64>,
    /// The smallest eigenvalue that was seen: below 0 at a saddle. An upper bound of the smallest of all.
    pub smallest: f64,
}

impl Curvature {
    /// Number of outliers, the effective dimension n of Mori et al. (2022): eigenvalues above the widest gap
    /// `λ_i/λ_{i+1}` among those above 0, if that gap is of a factor of 2 or more. Without such a gap all eigenvalues above
    /// 0 count where all of them were found, and otherwise the number is unknown.
    ///
    /// *Why the widest gap?* The paper counts outliers by eye, above a bulk near 0. Where eigenvalues fall evenly there
    /// is no bulk to stand above.
    pub fn n_outliers(&self) -> Option<usize> {
        let positive = self.eigenvalues.iter().take_while(|&&value| value > 0.).count();
        let ratio = |i: &usize| self.eigenvalues[*i] / self.eigenvalues[i + 1];
        let widest = (0..positive.saturating_sub(1)).max_by(|i, j| ratio(i).total_cmp(&ratio(j)));
        let of_all = (self.eigenvalues.len() == self.dimension).then_some(positive);
        widest.filter(|i| ratio(i) >= 2.).map(|i| i + 1).or(of_all)
    }
}

/// The most products of the Hessian with a vector that [`curvature`] takes, of D coordinates:
/// `min(D, 10 n_eigenvalues + 40)`.
pub fn most_products(dimension: usize, n_eigenvalues: usize) -> usize {
    dimension.min(10 * n_eigenvalues + 40)
}

/// Finds the `n_eigenvalues` largest eigenvalues of the Hessian at the minimum.
///
/// # Formula
/// Lanczos' iteration (Golub and Van Loan 2013, algorithm 10.1.1) with full reorthogonalisation, from a random vector.
/// `H v ≈ (∇L(w* + εv) − ∇L(w* − εv))/2ε` with `ε = ∛(machine epsilon) · max(1, ‖w*‖)` for unit v: its error is of the
/// order of ε². It stops when every wanted Ritz value has a residual below 10⁻⁶ of the largest, or after
/// [`most_products`].
///
/// # Errors
/// [`EscapeError::Stopped`] when `go_on`, asked after each product, says stop.
pub fn curvature(
    landscape: &dyn Landscape,
    n_eigenvalues: usize,
    streams: &Streams,
    go_on: &dyn Fn() -> Flow,
) -> Result<Curvature, EscapeError> {
    let minimum = landscape.minimum();
    let dim = minimum.len();
    let wanted = n_eigenvalues.min(dim);
    let mut site = landscape.site()?;
    let mut gradient = vec![0.; dim];
    site.gradient(minimum, &mut gradient)?;
    let gradient_norm = norm(&gradient);

    let epsilon = f64::EPSILON.cbrt() * norm(minimum).max(1.);
    let mut hessian_times = |v: &[f64]| -> Result<Vec<f64>, EscapeError> {
        let mut at = |sign: f64| -> Result<Vec<f64>, EscapeError> {
            let w: Vec<f64> = minimum.iter().zip(v).map(|(w, v)| w + sign * epsilon * v).collect();
            let mut gradient = vec![0.; dim];
            site.gradient(&w, &mut gradient)?;
            Ok(gradient)
        };
        let (ahead, behind) = (at(1.)?, at(-1.)?);
        Ok(ahead.iter().zip(&behind).map(|(a, b)| (a - b) / (2. * epsilon)).collect())
    };

    let mut rng = streams.rng(0);
    let start: Vec<f64> = (0..dim).map(|_| rng.sample(StandardNormal)).collect();
    let mut basis = vec![scaled(&start, 1. / norm(&start))];
    let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
    loop {
        let mut next = hessian_times(basis.last().expect("begins with one"))?;
        if go_on() == Flow::Stop {
            return Err(EscapeError::Stopped);
        }
        diagonal.push(dot(&next, basis.last().expect("begins with one")));
        orthogonalise(&mut next, &basis);
        let rest = norm(&next);
        let (eigenvalues, residuals) = ritz(&diagonal, &beside, rest);
        let largest = eigenvalues[0].abs().max(f64::MIN_POSITIVE);
        let n_products = diagonal.len();
        let converged = n_products >= wanted
            && residuals.iter().take(wanted).all(|residual| *residual < 1e-6 * largest);
        let invariant = rest <= 1e-9 * largest;
        if converged || n_products == most_products(dim, wanted) {
            let smallest = *eigenvalues.last().expect("begins with one");
            let leading = |values: Vec<f64>| values.into_iter().take(wanted).collect();
            return Ok(Curvature {
                dimension: dim,
                gradient_norm,
                eigenvalues: leading(eigenvalues),
                residuals: leading(residuals),
                smallest,
            });
        }
        if invariant {
            // An eigenvalue that is repeated shows once in the space of one vector: another one begins a space beside it.
            next = (0..dim).map(|_| rng.sample(StandardNormal)).collect();
            orthogonalise(&mut next, &basis);
            beside.push(0.);
        } else {
            beside.push(rest);
        }
        basis.push(scaled(&next, 1. / norm(&next)));
    }
}

/// Eigenvalues of the tridiagonal matrix, falling, with the residuals |β s_last| of their vectors.
fn ritz(diagonal: &[f64], beside: &[f64], rest: f64) -> (Vec<f64>, Vec<f64>) {
    let n = diagonal.len();
    let matrix = DMatrix::from_fn(n, n, |i, j| match i.abs_diff(j) {
        0 => diagonal[i],
        1 => beside[i.min(j)],
        _ => 0.,
    });
    let eigen = SymmetricEigen::new(matrix);
    let mut pairs: Vec<(f64, f64)> = (0..n)
        .map(|i| (eigen.eigenvalues[i], (rest * eigen.eigenvectors[(n - 1, i)]).abs()))
        .collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    pairs.into_iter().unzip()
}

/// Removes what lies along the vectors of an orthonormal basis; twice is enough (Giraud et al. 2005).
fn orthogonalise(vector: &mut [f64], basis: &[Vec<f64>]) {
    for v in basis.iter().chain(basis) {
        let along = dot(vector, v);
        vector.iter_mut().zip(v).for_each(|(own, v)| *own -= along * v);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(v: &[f64]) -> f64 {
    dot(v, v).sqrt()
}

fn scaled(v: &[f64], by: f64) -> Vec<f64> {
    v.iter().map(|v| by * v).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landscape::{Evaluation, Site};
    use crate::landscapes::{LandscapeSpec, NetworkLandscape};
    use std::cell::Cell;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use train::{ModelSpec, Objective, data};

    fn go_on() -> Flow {
        Flow::Continue
    }

    #[test]
    fn curvatures_of_a_quadratic_are_its_eigenvalues() {
        let curvatures: Vec<f64> =
            (0..200).map(|i| if i < 3 { 50. + f64::from(i) } else { 1. / f64::from(i) }).collect();
        let spec = LandscapeSpec::Quadratic { curvatures, floor: 0. };
        let landscape = spec.build(&Streams::new(1)).unwrap();
        let found = curvature(&*landscape, 5, &Streams::new(2), &go_on).unwrap();
        for (found, expected) in found.eigenvalues.iter().zip([52., 51., 50., 1. / 3., 0.25]) {
            assert!((found / expected - 1.).abs() < 1e-4, "{found} {expected}");
        }
        assert_eq!(found.n_outliers(), Some(3));
        assert_eq!(found.gradient_norm, 0.);
        assert!(found.smallest > -1e-6);
    }

    #[test]
    fn repeated_eigenvalues_are_counted() {
        let spec = LandscapeSpec::Quadratic { curvatures: vec![2., 2., 2., 2., 0.1], floor: 0. };
        let landscape = spec.build(&Streams::new(1)).unwrap();
        let found = curvature(&*landscape, 10, &Streams::new(2), &go_on).unwrap();
        assert_eq!((found.eigenvalues.len(), found.n_outliers()), (5, Some(4)), "{found:?}");
    }

    #[test]
    fn a_double_well_curves_by_eight_barriers() {
        let landscape = LandscapeSpec::DoubleWell { barrier: 0.5 }.build(&Streams::new(1)).unwrap();
        let found = curvature(&*landscape, 3, &Streams::new(2), &go_on).unwrap();
        assert_eq!(found.eigenvalues.len(), 1);
        assert!((found.eigenvalues[0] - 4.).abs() < 1e-6);
        assert_eq!(found.n_outliers(), Some(1));
    }

    /// Counts the gradients that are taken.
    struct Counted<'a>(&'a dyn Landscape, AtomicUsize);

    struct CountedSite<'a>(Box<dyn Site + 'a>, &'a AtomicUsize);

    impl Landscape for Counted<'_> {
        fn minimum(&self) -> &[f64] {
            self.0.minimum()
        }

        fn site(&self) -> Result<Box<dyn Site + '_>, EscapeError> {
            Ok(Box::new(CountedSite(self.0.site()?, &self.1)))
        }
    }

    impl Site for CountedSite<'_> {
        fn evaluate(&mut self, w: &[f64]) -> Result<Evaluation, EscapeError> {
            self.0.evaluate(w)
        }

        fn gradient(&mut self, w: &[f64], gradient: &mut [f64]) -> Result<(), EscapeError> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.gradient(w, gradient)
        }
    }

    #[test]
    fn every_product_is_counted_when_it_is_done_and_can_be_the_last() {
        // Evenly spaced: the residuals fall slowly.
        let curvatures = (1..=300).map(f64::from).collect();
        let spec = LandscapeSpec::Quadratic { curvatures, floor: 0. };
        let landscape = spec.build(&Streams::new(1)).unwrap();
        let n_done = |last: usize| {
            let counted = Counted(&*landscape, AtomicUsize::new(0));
            let n_done = Cell::new(0);
            let go_on = || {
                n_done.set(n_done.get() + 1);
                // That of the minimum, and two for each product.
                assert_eq!(counted.1.load(Ordering::Relaxed), 1 + 2 * n_done.get());
                if n_done.get() == last { Flow::Stop } else { Flow::Continue }
            };
            let found = curvature(&counted, 2, &Streams::new(2), &go_on);
            assert_eq!(counted.1.load(Ordering::Relaxed), 1 + 2 * n_done.get());
            (n_done.get(), found.is_ok())
        };
        assert_eq!(n_done(7), (7, false));
        assert_eq!(n_done(usize::MAX), (most_products(300, 2), true));
        assert_eq!([most_products(5, 2), most_products(300, 2)], [5, 60]);
    }

    /// The whole Hessian of a small network by differences of its gradient, one column after the other.
    #[test]
    fn eigenvalues_of_a_network_are_those_of_its_dense_hessian() {
        let spec = data::DataSpec { samples: Some(60), ..data::DataSpec::embedded("ionosphere") };
        let data = Arc::new(data::load(&spec, &candle_core::Device::Cpu).unwrap());
        let model: Arc<dyn train::Model> = ModelSpec::mlp(&[3]).build(&data).into();
        let params = model.init(&Streams::new(1), &candle_core::Device::Cpu).unwrap();
        let network = NetworkLandscape::new(Objective::new(model, data, params).unwrap()).unwrap();
        let network = network.in_f64().unwrap();
        let dim = network.minimum().len();
        let mut site = network.site().unwrap();
        let mut column = |j: usize| {
            let mut at = |by: f64| {
                let mut w = network.minimum().to_vec();
                w[j] += by;
                let mut gradient = vec![0.; dim];
                site.gradient(&w, &mut gradient).unwrap();
                gradient
            };
            let (ahead, behind) = (at(1e-5), at(-1e-5));
            ahead.iter().zip(behind).map(|(a, b)| (a - b) / 2e-5).collect::<Vec<f64>>()
        };
        let columns: Vec<Vec<f64>> = (0..dim).map(&mut column).collect();
        let dense = DMatrix::from_fn(dim, dim, |i, j| (columns[i][j] + columns[j][i]) / 2.);
        let mut expected: Vec<f64> =
            SymmetricEigen::new(dense).eigenvalues.iter().copied().collect();
        expected.sort_by(|a, b| b.total_cmp(a));
        let found = curvature(&network, 6, &Streams::new(2), &go_on).unwrap();
        for (found, expected) in found.eigenvalues.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-5 * expected.abs().max(1.), "{found} {expected}");
        }
    }

    #[test]
    fn outliers_stand_above_the_widest_gap() {
        let of = |eigenvalues: &[f64], dimension: usize| {
            let (eigenvalues, residuals) = (eigenvalues.to_vec(), vec![0.; eigenvalues.len()]);
            let found =
                Curvature { dimension, gradient_norm: 0., eigenvalues, residuals, smallest: 0. };
            found.n_outliers()
        };
        assert_eq!(of(&[10., 9., 1., 0.9], 50), Some(2));
        assert_eq!(of(&[10., 0.1, 0.09, -1.], 50), Some(1));
        assert_eq!(of(&[1.02, 1., 0.98], 3), Some(3));
        assert_eq!(of(&[1.02, 1., 0.98], 4), None);
        assert_eq!(of(&[3.], 1), Some(1));
        assert_eq!(of(&[-1.], 1), Some(0));
    }
}
