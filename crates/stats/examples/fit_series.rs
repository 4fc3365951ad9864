//! Fits the symmetric stable law to many series and measures the time.
//!
//! `cargo run --release -p noisescope-stats --example fit_series -- FILE N_SAMPLES`
//!
//! FILE holds 64-bit floats, lowest byte first, series by series, as numpy's
//! `tofile` writes them. Prints alpha, gamma and delta of each series, and on
//! standard error the time per fit in seconds, on one thread.

use std::env::args;
use std::fs;
use std::hint::black_box;
use std::time::Instant;

use stats::{Fit, Location, SymmetricStable, fit_symmetric_stable};

const N_ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (Some(path), Some(n_samples)) = (args().nth(1), args().nth(2)) else {
        return Err("usage: fit_series FILE N_SAMPLES".into());
    };
    let n_samples: usize = n_samples.parse()?;
    let bytes = fs::read(path)?;
    let samples: Vec<f64> =
        bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    let series: Vec<&[f64]> = samples.chunks_exact(n_samples).collect();
    // The first fit also computes the table, once per process.
    let fits = series
        .iter()
        .map(|samples| fit_symmetric_stable(samples, Location::Free))
        .collect::<Result<Vec<Fit<SymmetricStable>>, _>>()?;
    // The shortest of several rounds, series by series, is what the fit takes
    // when nothing else takes the processor.
    let mut shortest = vec![f64::INFINITY; series.len()];
    for _ in 0..N_ROUNDS {
        for (shortest, samples) in shortest.iter_mut().zip(&series) {
            let begin = Instant::now();
            black_box(fit_symmetric_stable(black_box(samples), Location::Free)?);
            *shortest = shortest.min(begin.elapsed().as_secs_f64());
        }
    }
    for Fit { law, .. } in &fits {
        println!("{} {} {}", law.alpha(), law.gamma(), law.delta());
    }
    eprintln!("{}", shortest.iter().sum::<f64>() / fits.len() as f64);
    Ok(())
}
