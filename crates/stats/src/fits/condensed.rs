//! A long series as a few weighted points.

use crate::stable::simd::wide;
use crate::stable::table::{N_NODES, Polynomial, Table, chebyshev_node};

/// Cells end at `±WIDTH sinh(k · GROWTH)`: about half a standard deviation wide
/// in the middle, a quarter of the distance outside.
const WIDTH: f64 = 0.25;
const GROWTH: f64 = 0.25;

/// Cells on either side of 0; beyond the last, at |z| = 2753, samples stay as
/// they are.
const N_CELLS: usize = 40;

/// Cells with fewer samples keep them.
const MIN_SAMPLES: usize = 12;

/// Points with weights such that the sum over samples of a smooth function is
/// nearly the weighted sum over the points.
///
/// # Formula
///
/// In each cell the function is replaced by its polynomial through eight
/// Chebyshev nodes `t_k`:
///
/// ```text
/// Σ_i g(z_i) ≈ Σ_k W_k g(t_k),    W_k = Σ_i L_k(z_i)
/// ```
///
/// with Lagrange's polynomials `L_k`. The weights need only the sums of the
/// first powers of the samples in the cell. Of 10,000 samples some 300 points
/// remain, and the logarithm of a stable density whose γ is near that of the
/// samples is reproduced to about 1e-6.
pub(super) struct Condensed {
    pub(super) z: Vec<f64>,
    pub(super) weights: Vec<f64>,
}

impl Condensed {
    /// Condenses standardised samples in ascending order.
    pub(super) fn of(sorted: &[f64]) -> Self {
        let interpolation = &Table::get().interpolation;
        let nodes: [f64; N_NODES] = std::array::from_fn(|k| chebyshev_node(k, N_NODES));
        let mut condensed = Self { z: Vec::with_capacity(512), weights: Vec::with_capacity(512) };
        let edges = edges();
        let n_below = sorted.iter().take_while(|&&z| z < -edges[N_CELLS]).count();
        let (below, mut rest) = sorted.split_at(n_below);
        condensed.keep(below);
        let (mut low, mut cell) = (-edges[N_CELLS], N_CELLS);
        let mut upwards = false;
        while cell < N_CELLS || !upwards {
            // Down to 0, then up again.
            if cell == 0 {
                upwards = true;
            }
            let high = if upwards {
                cell += 1;
                edges[cell]
            } else {
                cell -= 1;
                -edges[cell]
            };
            let n_inside = rest.iter().take_while(|&&z| z < high).count();
            let (inside, above) = rest.split_at(n_inside);
            rest = above;
            if n_inside < MIN_SAMPLES {
                condensed.keep(inside);
            } else {
                let (centre, half) = (0.5 * (low + high), 0.5 * (high - low));
                let sums = power_sums(inside, centre, 1.0 / half);
                for (node, interpolation) in nodes.iter().zip(interpolation) {
                    condensed.z.push(centre + half * node);
                    let weight =
                        sums.iter().zip(interpolation).map(|(sum, weight)| sum * weight).sum();
                    condensed.weights.push(weight);
                }
            }
            low = high;
        }
        condensed.keep(rest);
        condensed
    }

    fn keep(&mut self, samples: &[f64]) {
        self.z.extend_from_slice(samples);
        self.weights.resize(self.z.len(), 1.0);
    }
}

/// The edges of the cells from 0 upwards.
fn edges() -> [f64; N_CELLS + 1] {
    // sinh((k + 1)h) = 2 cosh(h) sinh(kh) − sinh((k − 1)h).
    let factor = 2.0 * GROWTH.cosh();
    let mut edges = [0.0; N_CELLS + 1];
    edges[1] = WIDTH * GROWTH.sinh();
    for k in 2..=N_CELLS {
        edges[k] = factor * edges[k - 1] - edges[k - 2];
    }
    edges
}

wide! {
    /// The sums of `((z − centre) · inverse_half)^k` over all z.
    fn power_sums(z: &[f64], centre: f64, inverse_half: f64) -> Polynomial {
        const LANES: usize = 4;
        let mut sums = [[0.0; LANES]; N_NODES];
        let (chunks, rest) = z.as_chunks::<LANES>();
        for chunk in chunks {
            let s = chunk.map(|z| (z - centre) * inverse_half);
            let mut power = [1.0; LANES];
            for sums in &mut sums {
                for lane in 0..LANES {
                    sums[lane] += power[lane];
                    power[lane] *= s[lane];
                }
            }
        }
        for z in rest {
            let s = (z - centre) * inverse_half;
            let mut power = 1.0;
            for sums in &mut sums {
                sums[0] += power;
                power *= s;
            }
        }
        sums.map(|[a, b, c, d]| (a + b) + (c + d))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stable::density::Density;
    use crate::stable::exact;

    /// On the quantiles of a law, likelihood and score of laws nearby.
    #[test]
    fn sums_of_the_logarithm_of_the_density() {
        const N: usize = 4000;
        for alpha in [1.0, 1.5, 1.9, 2.0] {
            let z: Vec<f64> = (0..N)
                .map(|i| (i as f64 + 0.5) / N as f64)
                .map(|p| 0.6 * (exact::inverse_sf(alpha, 1.0 - p) - exact::inverse_sf(alpha, p)))
                .collect();
            let condensed = Condensed::of(&z);
            assert!(condensed.z.len() < 600, "{}", condensed.z.len());
            let total: f64 = condensed.weights.iter().sum();
            assert!((total / N as f64 - 1.0).abs() < 1e-12);
            let density = Density::at((alpha + 0.05).min(1.95));
            let all = density.sums(&z, None, 0.7, 0.04);
            let few = density.sums(&condensed.z, Some(&condensed.weights), 0.7, 0.04);
            let close = |few: f64, all: f64| (few - all).abs() < 1e-5 * N as f64;
            assert!(close(few.ln_f, all.ln_f), "alpha = {alpha}: {} {}", few.ln_f, all.ln_f);
            assert!(close(few.by_alpha, all.by_alpha), "{} {}", few.by_alpha, all.by_alpha);
            assert!(close(few.by_x, all.by_x));
        }
    }

    #[test]
    fn few_samples_stay_as_they_are() {
        let z: Vec<f64> = (0..50).map(|i| (f64::from(i) - 25.0).powi(5)).collect();
        let condensed = Condensed::of(&z);
        assert_eq!(condensed.z, z);
        assert!(condensed.weights.iter().all(|&weight| weight == 1.0));
    }
}
