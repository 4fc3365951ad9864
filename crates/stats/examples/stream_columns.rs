//! Fits many series block by block, with flat memory, and measures the time.
//!
//! `cargo run --release -p noisescope-stats --example stream_columns -- [N_SERIES] [ALPHA]`
//!
//! Series of 1000 draws arrive as blocks of 64 columns, as the noise of 64
//! parameters would; only the fits are timed, on one thread.

use std::env::args;
use std::time::{Duration, Instant};

use rand::distr::Distribution;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use stats::{Location, SymmetricStable, fit_symmetric_stable};

const N_SAMPLES: usize = 1000;
const N_COLUMNS: usize = 64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let n_series: usize = args().nth(1).map_or(Ok(50_000), |n| n.parse())?;
    let alpha: f64 = args().nth(2).map_or(Ok(1.7), |alpha| alpha.parse())?;
    let law = SymmetricStable::new(alpha, 1e-3, 0.0)?;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let n_blocks = n_series.div_ceil(N_COLUMNS);
    let (mut elapsed, mut sum) = (Duration::ZERO, 0.0);
    let mut column = vec![0.0; N_SAMPLES];
    for _ in 0..n_blocks {
        let rows: Vec<f64> = (&law).sample_iter(&mut rng).take(N_SAMPLES * N_COLUMNS).collect();
        let begin = Instant::now();
        for column_idx in 0..N_COLUMNS {
            for (sample, row) in column.iter_mut().zip(rows.chunks_exact(N_COLUMNS)) {
                *sample = row[column_idx];
            }
            sum += fit_symmetric_stable(&column, Location::Free)?.law.alpha();
        }
        elapsed += begin.elapsed();
    }
    let n_fits = n_blocks * N_COLUMNS;
    let seconds = elapsed.as_secs_f64();
    println!("{n_fits} fits in {seconds:.2} s, mean alpha {:.4}", sum / n_fits as f64);
    println!("a million fits would take {:.0} s on one core", seconds / n_fits as f64 * 1e6);
    Ok(())
}
