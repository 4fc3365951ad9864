//! Makes the table of the likelihood ratio's null law.
//!
//! `cargo run --release -p noisescope-stats --example likelihood_ratio_null
//! > crates/stats/src/likelihood_ratio/null_table.csv`
//!
//! Takes some twenty minutes of one core. The columns are explained in
//! `src/likelihood_ratio/table.rs`.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use stats::{LikelihoodRatioNull, Location, StatsError};

/// Numbers of samples and of series.
const SIZES: [(usize, usize); 11] = [
    (50, 400_000),
    (70, 400_000),
    (100, 400_000),
    (200, 400_000),
    (300, 300_000),
    (500, 200_000),
    (1000, 200_000),
    (2000, 100_000),
    (5000, 50_000),
    (10_000, 40_000),
    (100_000, 10_000),
];

/// Columns: down to a share of 10⁻⁴·⁵ of the positive ratios.
const N_COLUMNS: i32 = 45;

/// The least number of series beyond a tabulated ratio.
const MIN_BEYOND: f64 = 4.0;

fn main() -> Result<(), StatsError> {
    print!("location,n_samples,n_replicates,share_positive");
    for k in 1..=N_COLUMNS {
        print!(",10^-{:.1}", 0.1 * f64::from(k));
    }
    println!();
    for (kind, location) in [("free", Location::Free), ("fixed", Location::Fixed(0.0))] {
        for (n_samples, n_replicates) in SIZES {
            // From the other end of the seeds than any test.
            let rng_of = |replicate: u64| ChaCha8Rng::seed_from_u64(!replicate);
            let null = LikelihoodRatioNull::simulate(n_samples, location, n_replicates, rng_of)?;
            let share_positive = 1.0 - null.share_of_zeros();
            print!("{kind},{n_samples},{n_replicates},{share_positive:.5}");
            for k in 1..=N_COLUMNS {
                let tail = share_positive * 10f64.powf(-0.1 * f64::from(k));
                if tail * n_replicates as f64 >= MIN_BEYOND {
                    print!(",{:.5}", null.quantile(1.0 - tail));
                } else {
                    print!(",");
                }
            }
            println!();
        }
    }
    Ok(())
}
