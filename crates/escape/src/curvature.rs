//! The largest eigenvalues of the Hessian, by exact products with vectors.

use nalgebra::{DMatrix, SymmetricEigen};
use rand::RngExt;
use rand_distr::StandardNormal;
use train::{Flow, Streams};

use crate::error::EscapeError;
use crate::landscape::{Landscape, Site};

/// What is known of the curvature at a minimum.
#[derive(Debug, Clone, PartialEq)]
pub struct Curvature {
    /// Number of coordinates D.
    pub dimension: usize,
    /// ‖∇L(w*)‖.
    pub gradient_norm: f64,
    /// The largest eigenvalues of the Hessian, falling; none where there is no Hessian.
    pub eigenvalues: Vec<f64>,
    /// The residual ‖H v − λ v‖ of each, with the unit vector v that was found and one more product: some eigenvalue of the
    /// Hessian lies within it (Parlett 1998, theorem 4.5.1).
    pub residuals: Vec<f64>,
    /// The smallest eigenvalue that was seen: an upper bound of the smallest of all. NaN where there is no Hessian.
    pub smallest: f64,
    /// Why there is no Hessian.
    pub no_hessian: Option<String>,
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

/// The most products of the Hessian with a vector that [`curvature`] takes, of D coordinates: `min(D, 10 n_eigenvalues + 40)`
/// to find the eigenvalues, and one for the residual of each.
pub fn most_products(dimension: usize, n_eigenvalues: usize) -> usize {
    most_lanczos_steps(dimension, n_eigenvalues) + n_eigenvalues.min(dimension)
}

fn most_lanczos_steps(dimension: usize, n_eigenvalues: usize) -> usize {
    dimension.min(10 * n_eigenvalues + 40)
}

/// Finds the `n_eigenvalues` largest eigenvalues of the Hessian at the minimum.
///
/// # Formula
/// Lanczos' iteration (Golub and Van Loan 2013, algorithm 10.1.1) with full reorthogonalisation, from a random vector, on
/// exact products H v ([`Site::hessian_product`]). It stops when every wanted Ritz value has an estimated residual below 10⁻⁶
/// of the largest, or after [`most_products`].
///
/// Where the loss has no Hessian at the minimum, [`Curvature::no_hessian`] says why.
///
/// # Errors
/// [`EscapeError::Stopped`] when `go_on`, asked after each product, says stop.
pub fn curvature(
    landscape: &dyn Landscape,
    n_eigenvalues: usize,
    streams: &Streams,
    go_on: &dyn Fn() -> Flow,
) -> Result<Curvature, EscapeError> {
    let mut site = landscape.site()?;
    let dimension = landscape.minimum().len();
    let mut gradient = vec![0.; dimension];
    site.gradient(landscape.minimum(), &mut gradient)?;
    let hessian = Hessian { minimum: landscape.minimum(), site, go_on };
    let mut found = Curvature {
        dimension,
        gradient_norm: norm(&gradient),
        eigenvalues: vec![],
        residuals: vec![],
        smallest: f64::NAN,
        no_hessian: None,
    };
    match extremes(hessian, n_eigenvalues.min(dimension), streams) {
        Ok(Extremes { eigenvalues, residuals, smallest }) => {
            Ok(Curvature { eigenvalues, residuals, smallest, ..found })
        }
        Err(EscapeError::NoHessian(reason)) => {
            found.no_hessian = Some(reason);
            Ok(found)
        }
        Err(other) => Err(other),
    }
}

/// The Hessian at a minimum, as a linear map.
struct Hessian<'a> {
    minimum: &'a [f64],
    site: Box<dyn Site + 'a>,
    go_on: &'a dyn Fn() -> Flow,
}

impl Hessian<'_> {
    fn times(&mut self, v: &[f64]) -> Result<Vec<f64>, EscapeError> {
        let mut product = vec![0.; v.len()];
        self.site.hessian_product(self.minimum, v, &mut product)?;
        match (self.go_on)() {
            Flow::Stop => Err(EscapeError::Stopped),
            Flow::Continue => Ok(product),
        }
    }
}

struct Extremes {
    eigenvalues: Vec<f64>,
    residuals: Vec<f64>,
    smallest: f64,
}

/// The `wanted` largest eigenvalues, and the smallest that is seen on the way.
fn extremes(
    mut hessian: Hessian<'_>,
    wanted: usize,
    streams: &Streams,
) -> Result<Extremes, EscapeError> {
    let dim = hessian.minimum.len();
    let mut rng = streams.rng(0);
    let start: Vec<f64> = (0..dim).map(|_| rng.sample(StandardNormal)).collect();
    let mut basis = vec![scaled(&start, 1. / norm(&start))];
    let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
    let pairs = loop {
        let mut next = hessian.times(basis.last().expect("begins with one"))?;
        diagonal.push(dot(&next, basis.last().expect("begins with one")));
        orthogonalise(&mut next, &basis);
        let rest = norm(&next);
        let pairs = ritz(&diagonal, &beside);
        let largest = pairs[0].value.abs().max(f64::MIN_POSITIVE);
        let n_steps = diagonal.len();
        let residual = |pair: &Ritz| rest * pair.vector[n_steps - 1].abs();
        let converged = n_steps >= wanted
            && pairs.iter().take(wanted).all(|pair| residual(pair) < 1e-6 * largest);
        if converged || n_steps == most_lanczos_steps(dim, wanted) {
            break pairs;
        }
        if rest <= 1e-9 * largest {
            // An eigenvalue that is repeated shows once in the space of one vector: another one begins a space beside it.
            next = (0..dim).map(|_| rng.sample(StandardNormal)).collect();
            orthogonalise(&mut next, &basis);
            beside.push(0.);
        } else {
            beside.push(rest);
        }
        basis.push(scaled(&next, 1. / norm(&next)));
    };
    let smallest = pairs.last().expect("begins with one").value;
    let (mut eigenvalues, mut residuals) = (Vec::new(), Vec::new());
    for Ritz { value, vector } in pairs.into_iter().take(wanted) {
        let mut v = vec![0.; dim];
        for (share, along) in vector.iter().zip(&basis) {
            v.iter_mut().zip(along).for_each(|(v, along)| *v += share * along);
        }
        let product = hessian.times(&v)?;
        let rest: Vec<f64> = product.iter().zip(&v).map(|(p, v)| p - value * v).collect();
        eigenvalues.push(value);
        residuals.push(norm(&rest) / norm(&v));
    }
    Ok(Extremes { eigenvalues, residuals, smallest })
}

/// An eigenvalue of the tridiagonal matrix, and its unit eigenvector.
struct Ritz {
    value: f64,
    vector: Vec<f64>,
}

/// All of them, falling.
fn ritz(diagonal: &[f64], beside: &[f64]) -> Vec<Ritz> {
    let n = diagonal.len();
    let matrix = DMatrix::from_fn(n, n, |i, j| match i.abs_diff(j) {
        0 => diagonal[i],
        1 => beside[i.min(j)],
        _ => 0.,
    });
    let eigen = SymmetricEigen::new(matrix);
    let pair = |i: usize| Ritz {
        value: eigen.eigenvalues[i],
        vector: eigen.eigenvectors.column(i).iter().copied().collect(),
    };
    let mut pairs: Vec<Ritz> = (0..n).map(pair).collect();
    pairs.sort_by(|a, b| b.value.total_cmp(&a.value));
    pairs
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
    use crate::landscapes::LandscapeSpec;
    use std::cell::Cell;
    use std::sync::atomic::{AtomicUsize, Ordering};

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

    /// Counts the products that are taken.
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
            self.0.gradient(w, gradient)
        }

        fn hessian_product(
            &mut self,
            w: &[f64],
            direction: &[f64],
            product: &mut [f64],
        ) -> Result<(), EscapeError> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.hessian_product(w, direction, product)
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
                assert_eq!(counted.1.load(Ordering::Relaxed), n_done.get());
                if n_done.get() == last { Flow::Stop } else { Flow::Continue }
            };
            let found = curvature(&counted, 2, &Streams::new(2), &go_on);
            assert_eq!(counted.1.load(Ordering::Relaxed), n_done.get());
            (n_done.get(), found.is_ok())
        };
        assert_eq!(n_done(7), (7, false));
        assert_eq!(n_done(usize::MAX), (most_products(300, 2), true));
        assert_eq!([most_products(5, 2), most_products(300, 2)], [7, 62]);
    }

    #[test]
    fn a_cusp_has_no_hessian() {
        let landscape = LandscapeSpec::Ackley { dimension: 3 }.build(&Streams::new(1)).unwrap();
        let found = curvature(&*landscape, 3, &Streams::new(2), &go_on).unwrap();
        let reason = found.no_hessian.as_deref().unwrap();
        assert_eq!(reason, "Ackley's function has a cusp at its minimum");
        assert!(found.eigenvalues.is_empty() && found.smallest.is_nan());
        assert_eq!((found.gradient_norm, found.n_outliers()), (0., None));
    }

    /// A residual that was not measured with a product of its own would be that of the tridiagonal matrix.
    #[test]
    fn residuals_bound_the_error_where_the_iteration_has_not_converged() {
        let curvatures: Vec<f64> = (1..=300).map(f64::from).collect();
        let spec = LandscapeSpec::Quadratic { curvatures: curvatures.clone(), floor: 0. };
        let landscape = spec.build(&Streams::new(1)).unwrap();
        let found = curvature(&*landscape, 2, &Streams::new(2), &go_on).unwrap();
        for (value, residual) in found.eigenvalues.iter().zip(&found.residuals) {
            let nearest =
                curvatures.iter().map(|h| (h - value).abs()).fold(f64::INFINITY, f64::min);
            assert!(nearest <= *residual + 1e-12 && *residual > 1e-3, "{value} {residual}");
        }
    }

    #[test]
    fn outliers_stand_above_the_widest_gap() {
        let of = |eigenvalues: &[f64], dimension: usize| {
            let (eigenvalues, residuals) = (eigenvalues.to_vec(), vec![0.; eigenvalues.len()]);
            let found = Curvature {
                dimension,
                gradient_norm: 0.,
                eigenvalues,
                residuals,
                smallest: 0.,
                no_hessian: None,
            };
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
