//! The landscapes, one file each: closed formulas, means over samples, and a trained network.

mod ackley;
mod double_well;
mod formula;
mod linear_regression;
mod meng;
mod network;
mod quadratic;
mod styblinski_tang;
mod zhu;

use formula::Surface;
pub use network::NetworkLandscape;

use serde::{Deserialize, Serialize};
use train::{SpecError, Streams};

use crate::landscape::Landscape;
use ackley::Ackley;
use double_well::DoubleWell;
use linear_regression::LinearRegression;
use meng::MengToy;
use quadratic::Quadratic;
use styblinski_tang::StyblinskiTang;
use zhu::ZhuToy;

/// `escape.landscape` of an experiment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LandscapeSpec {
    /// The trained network on its data.
    #[default]
    Network,
    /// `L = L* + ½ Σ h_i w_i²` with its minimum at the origin.
    Quadratic {
        /// Curvatures h_i, of which some may be 0.
        curvatures: Vec<f64>,
        /// Loss L* at the minimum.
        #[serde(default)]
        floor: f64,
    },
    /// `L = b (w² − 1)²` in one dimension, from the well at −1; its barrier at 0 is b high.
    DoubleWell {
        /// Height b of the barrier.
        barrier: f64,
    },
    /// Ackley's function, from its global minimum 0 at the origin.
    Ackley {
        /// Number of coordinates.
        dimension: usize,
    },
    /// `L = ½ Σ (w_i⁴ − 16 w_i² + 5 w_i)`, from its global minimum at w_i = −2.9035.
    StyblinskiTang {
        /// Number of coordinates.
        dimension: usize,
    },
    /// Squares of residuals over normal inputs and independent normal targets (Mori et al. 2022, section 4.1), from the
    /// least-squares solution.
    LinearRegression {
        /// Number of samples N.
        n_samples: usize,
        /// Number of coordinates.
        dimension: usize,
    },
    /// The plane with a sharp and a flat basin of Zhu et al. (2019), section 5.1, from the sharp one.
    ZhuToy {
        /// Number of samples N.
        n_samples: usize,
    },
    /// The plane with a sharp and a flat basin of Meng et al. (2020), from the sharp one.
    MengToy {
        /// Number of samples N.
        n_samples: usize,
    },
}

impl LandscapeSpec {
    /// Whether this is the network.
    pub fn is_network(&self) -> bool {
        *self == LandscapeSpec::Network
    }

    /// Number of samples, and of coordinates, where this is no network.
    pub fn shape(&self) -> Option<(Option<usize>, usize)> {
        Some(match self {
            LandscapeSpec::Network => return None,
            LandscapeSpec::Quadratic { curvatures, .. } => (None, curvatures.len()),
            LandscapeSpec::DoubleWell { .. } => (None, 1),
            LandscapeSpec::Ackley { dimension } | LandscapeSpec::StyblinskiTang { dimension } => {
                (None, *dimension)
            }
            LandscapeSpec::LinearRegression { n_samples, dimension } => {
                (Some(*n_samples), *dimension)
            }
            LandscapeSpec::ZhuToy { n_samples } | LandscapeSpec::MengToy { n_samples } => {
                (Some(*n_samples), 2)
            }
        })
    }

    /// Checks every value; `section` is the name it has in the experiment.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        if let LandscapeSpec::Quadratic { curvatures, floor } = self {
            let holds =
                !curvatures.is_empty() && curvatures.iter().all(|h| h.is_finite() && *h >= 0.);
            let permitted = "a list of numbers, 0 or above";
            SpecError::check(holds, section, "curvatures", curvatures, permitted)?;
            let holds = floor.is_finite() && *floor >= 0.;
            SpecError::check(holds, section, "floor", floor, "a number, 0 or above")?;
        }
        if let LandscapeSpec::DoubleWell { barrier } = self {
            let holds = *barrier > 0. && *barrier <= 1e6;
            SpecError::check(holds, section, "barrier", barrier, "a number above 0, up to 10^6")?;
        }
        let Some((n_samples, dimension)) = self.shape() else { return Ok(()) };
        let holds = (1..=1_000_000).contains(&dimension);
        SpecError::check(holds, section, "dimension", dimension, "1 to 1000000")?;
        if let Some(n_samples) = n_samples {
            let holds = (dimension + 1..=10_000_000).contains(&n_samples);
            let permitted = format!("{} to 10000000", dimension + 1);
            SpecError::check(holds, section, "n_samples", n_samples, permitted)?;
        }
        Ok(())
    }

    /// The landscape, its samples drawn from `streams`; `None` for the network, which is trained and not drawn.
    pub fn build(&self, streams: &Streams) -> Option<Box<dyn Landscape>> {
        let mut rng = streams.rng(0);
        Some(match self {
            LandscapeSpec::Network => return None,
            LandscapeSpec::Quadratic { curvatures, floor } => {
                let (curvatures, floor) = (curvatures.clone(), *floor);
                Box::new(Surface::new(Quadratic { curvatures, floor }))
            }
            LandscapeSpec::DoubleWell { barrier } => {
                Box::new(Surface::new(DoubleWell { barrier: *barrier }))
            }
            LandscapeSpec::Ackley { dimension } => {
                Box::new(Surface::new(Ackley { dimension: *dimension }))
            }
            LandscapeSpec::StyblinskiTang { dimension } => {
                Box::new(Surface::new(StyblinskiTang { dimension: *dimension }))
            }
            LandscapeSpec::LinearRegression { n_samples, dimension } => {
                Box::new(Surface::new(LinearRegression::draw(*n_samples, *dimension, &mut rng)))
            }
            LandscapeSpec::ZhuToy { n_samples } => {
                Box::new(Surface::new(ZhuToy::draw(*n_samples, &mut rng)))
            }
            LandscapeSpec::MengToy { n_samples } => {
                Box::new(Surface::new(MengToy::draw(*n_samples, &mut rng)))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    fn all() -> Vec<LandscapeSpec> {
        vec![
            LandscapeSpec::Quadratic { curvatures: vec![1., 0.1, 3.], floor: 0.2 },
            LandscapeSpec::DoubleWell { barrier: 0.7 },
            LandscapeSpec::Ackley { dimension: 3 },
            LandscapeSpec::StyblinskiTang { dimension: 2 },
            LandscapeSpec::LinearRegression { n_samples: 50, dimension: 4 },
            LandscapeSpec::ZhuToy { n_samples: 20 },
            LandscapeSpec::MengToy { n_samples: 20 },
        ]
    }

    #[test]
    fn gradients_are_those_of_finite_differences_and_means_of_those_of_samples() {
        let streams = Streams::new(3);
        for spec in all() {
            let landscape = spec.build(&streams).unwrap();
            let (n_samples, dim) = spec.shape().unwrap();
            assert_eq!((landscape.n_samples(), landscape.minimum().len()), (n_samples, dim));
            let mut site = landscape.site().unwrap();
            let mut rng = streams.named("points").rng(0);
            for _ in 0..20 {
                let w: Vec<f64> = landscape
                    .minimum()
                    .iter()
                    .map(|at| at + 0.3 * (rng.random::<f64>() - 0.5))
                    .collect();
                let mut gradient = vec![0.; dim];
                site.gradient(&w, &mut gradient).unwrap();
                for i in 0..dim {
                    let mut at = |by: f64| {
                        let mut w = w.clone();
                        w[i] += by;
                        site.evaluate(&w).unwrap().loss
                    };
                    let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
                    let close = (gradient[i] - slope).abs() < 1e-4 * (1. + slope.abs());
                    assert!(close, "{spec:?} {w:?}: {} {slope}", gradient[i]);
                }
                let Some(n_samples) = n_samples else { continue };
                let mut mean = vec![0.; dim];
                let everyone: Vec<u32> = (0..n_samples as u32).collect();
                site.minibatch_gradient(&w, &everyone, &mut mean).unwrap();
                let mut weighted = vec![0.; dim];
                site.weighted_gradient(&w, &vec![1.; n_samples], &mut weighted).unwrap();
                for i in 0..dim {
                    assert!((mean[i] - gradient[i]).abs() < 1e-9 * (1. + gradient[i].abs()));
                    assert!((weighted[i] - gradient[i]).abs() < 1e-9 * (1. + gradient[i].abs()));
                }
            }
        }
    }

    /// The closed forms against differences of the gradients, away from cusps and from where parabolas meet.
    #[test]
    fn hessians_are_those_of_finite_differences() {
        let streams = Streams::new(3);
        for spec in all() {
            let landscape = spec.build(&streams).unwrap();
            let (mut site, dim) = (landscape.site().unwrap(), landscape.minimum().len());
            let mut rng = streams.named("points").rng(0);
            for _ in 0..20 {
                let mut number = |size: f64| size * (rng.random::<f64>() - 0.5);
                let w: Vec<f64> = landscape.minimum().iter().map(|at| at + number(0.3)).collect();
                let v: Vec<f64> = (0..dim).map(|_| number(2.)).collect();
                let mut product = vec![0.; dim];
                site.hessian_product(&w, &v, &mut product).unwrap();
                let mut at = |by: f64| {
                    let moved: Vec<f64> = w.iter().zip(&v).map(|(w, v)| w + by * v).collect();
                    let mut gradient = vec![0.; dim];
                    site.gradient(&moved, &mut gradient).unwrap();
                    gradient
                };
                let (ahead, behind) = (at(1e-6), at(-1e-6));
                for i in 0..dim {
                    let difference = (ahead[i] - behind[i]) / 2e-6;
                    let close = (product[i] - difference).abs() < 1e-4 * (1. + difference.abs());
                    assert!(close, "{spec:?} {w:?}: {} {difference}", product[i]);
                }
            }
        }
    }

    #[test]
    fn trials_begin_at_minima() {
        for spec in all() {
            let landscape = spec.build(&Streams::new(3)).unwrap();
            let mut site = landscape.site().unwrap();
            let minimum = landscape.minimum();
            let loss = site.evaluate(minimum).unwrap().loss;
            for i in 0..minimum.len() {
                for by in [-1e-3, 1e-3] {
                    let mut w = minimum.to_vec();
                    w[i] += by;
                    let higher = site.evaluate(&w).unwrap().loss >= loss - 1e-9;
                    assert!(higher, "{spec:?} {by}");
                }
            }
        }
    }

    #[test]
    fn specs_read_as_they_are_written() {
        for spec in all().into_iter().chain([LandscapeSpec::Network]) {
            let toml = serde_json::to_string(&spec).unwrap();
            assert_eq!(serde_json::from_str::<LandscapeSpec>(&toml).unwrap(), spec);
            assert!(spec.validate("escape.landscape").is_ok());
        }
        let bad = LandscapeSpec::Quadratic { curvatures: vec![-1.], floor: 0. };
        let message = bad.validate("escape.landscape").unwrap_err().to_string();
        assert!(message.starts_with("escape.landscape.curvatures = [-1.0]: permitted is"));
    }
}
