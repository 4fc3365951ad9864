//! Series drawn from a law that was fitted.

use rand::Rng;
use rand::distr::Distribution;
use rayon::prelude::*;

use crate::StatsError;

/// Draws `n_replicates` series of `n_samples` from `law` and measures each.
///
/// Replicate `r` draws from `rng_of(r)`; replicates are spread over the threads
/// of rayon and the result, in the order of r, does not depend on their number.
pub(super) fn replicates<L, R, T>(
    law: &L,
    n_samples: usize,
    n_replicates: usize,
    rng_of: impl Fn(u64) -> R + Sync,
    measure: impl Fn(&[f64]) -> Result<T, StatsError> + Sync,
) -> Result<Vec<T>, StatsError>
where
    L: Distribution<f64> + Sync,
    R: Rng,
    T: Send,
{
    if n_replicates == 0 {
        return Err(StatsError::ZeroCount { name: "n_replicates" });
    }
    (0..n_replicates as u64)
        .into_par_iter()
        .map(|replicate| {
            let draws: Vec<f64> = law.sample_iter(rng_of(replicate)).take(n_samples).collect();
            measure(&draws)
        })
        .collect()
}

/// `(1 + #{s* ≥ s}) / (R + 1)` over the R simulated statistics `s*`.
///
/// The 1 counts the observed series itself, which makes the p-value valid for
/// every R; Davison and Hinkley (1997), *Bootstrap Methods and their
/// Application*, equation 4.11.
pub(super) fn upper_p_value(statistic: f64, simulated: impl Iterator<Item = f64>) -> f64 {
    let (mut n_replicates, mut n_above) = (0, 0);
    for simulated in simulated {
        n_replicates += 1;
        n_above += usize::from(simulated >= statistic);
    }
    (1 + n_above) as f64 / (n_replicates + 1) as f64
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::Gaussian;

    #[test]
    fn in_order_for_any_number_of_threads() {
        let law = Gaussian::new(0.0, 1.0).unwrap();
        let with_threads = |n_threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| {
                replicates(&law, 3, 50, ChaCha8Rng::seed_from_u64, |draws| Ok(draws.to_vec()))
            })
        };
        let draws = with_threads(1).unwrap();
        assert_eq!(draws, with_threads(3).unwrap());
        let seventh: Vec<f64> = law.sample_iter(ChaCha8Rng::seed_from_u64(7)).take(3).collect();
        assert_eq!(draws[7], seventh);
    }

    #[test]
    fn no_replicate_is_an_error() {
        let law = Gaussian::new(0.0, 1.0).unwrap();
        let error = replicates(&law, 3, 0, ChaCha8Rng::seed_from_u64, |_| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "n_replicates = 0, at least 1 is needed");
    }

    /// By hand; an equal statistic counts.
    #[test]
    fn p_values() {
        let p = |statistic| upper_p_value(statistic, [1.0, 2.0, 3.0].into_iter());
        assert_eq!([0.0, 2.0, 3.5].map(p), [1.0, 0.75, 0.25]);
    }
}
