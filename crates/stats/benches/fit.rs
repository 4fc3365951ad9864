//! Time per fit on one core.
//!
//! `cargo bench -p noisescope-stats`; a filter such as `-- symmetric_stable`
//! restricts it. Seeds are fixed. Each case walks through 64 series, so that no
//! branch is learned by heart.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use rand::distr::Distribution;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use stats::{Binning, Gaussian, Location, SymmetricStable};

fn main() {
    // The table is computed once per process.
    let _ = fit(&series("gaussian", 50).concat());
    divan::main();
}

const LAWS: [&str; 7] = ["0.7", "1.0", "1.5", "1.9", "2.0", "t3", "uniform"];
const N_SERIES: usize = 64;

fn fit(samples: &[f64]) -> stats::Fit<SymmetricStable> {
    stats::fit_symmetric_stable(samples, Location::Free).expect("finite samples")
}

/// Draws of the symmetric stable law of that alpha or of the law of that name.
fn series(law: &str, n_samples: usize) -> Vec<Vec<f64>> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let gaussian = Gaussian::new(0.0, 1.0).expect("a standard deviation of 1");
    let normal = |rng: &mut ChaCha8Rng| gaussian.sample(rng);
    (0..N_SERIES)
        .map(|_| match law.parse() {
            Ok(alpha) => {
                let law = SymmetricStable::new(alpha, 1.0, 0.0).expect("alpha in (0, 2]");
                law.sample_iter(&mut rng).take(n_samples).collect()
            }
            Err(_) => (0..n_samples)
                .map(|_| match law {
                    "t3" => {
                        let chi2: f64 = (0..3).map(|_| normal(&mut rng).powi(2)).sum();
                        normal(&mut rng) / (chi2 / 3.0).sqrt()
                    }
                    "uniform" => rand::RngExt::random(&mut rng),
                    _ => normal(&mut rng),
                })
                .collect(),
        })
        .collect()
}

fn bench(bencher: Bencher<'_, '_>, law: &str, n_samples: usize, action: impl Fn(&[f64])) {
    let series = series(law, n_samples);
    let mut next = (0..N_SERIES).cycle();
    bencher.bench_local(|| action(&series[next.next().expect("endless")]));
}

#[divan::bench(args = LAWS)]
fn symmetric_stable_1000(bencher: Bencher<'_, '_>, law: &str) {
    bench(bencher, law, 1000, |samples| {
        black_box(fit(samples));
    });
}

#[divan::bench(args = LAWS)]
fn symmetric_stable_10_000(bencher: Bencher<'_, '_>, law: &str) {
    bench(bencher, law, 10_000, |samples| {
        black_box(fit(samples));
    });
}

fn compare(samples: &[f64]) {
    let comparison = stats::compare(samples, Location::Free, Binning::default());
    black_box(comparison.expect("finite samples"));
}

#[divan::bench(args = LAWS)]
fn compare_1000(bencher: Bencher<'_, '_>, law: &str) {
    bench(bencher, law, 1000, compare);
}

#[divan::bench(args = LAWS)]
fn compare_10_000(bencher: Bencher<'_, '_>, law: &str) {
    bench(bencher, law, 10_000, compare);
}

/// The rivals of the stable law at both lengths.
const LENGTHS: [usize; 2] = [1000, 10_000];

fn student_t(samples: &[f64]) {
    black_box(stats::fit_student_t(samples, Location::Free).expect("finite samples"));
}

#[divan::bench(args = LAWS, consts = LENGTHS)]
fn student_t_fit<const N: usize>(bencher: Bencher<'_, '_>, law: &str) {
    bench(bencher, law, N, student_t);
}

fn generalised_gaussian(samples: &[f64], location: Location) {
    black_box(stats::fit_generalised_gaussian(samples, location).expect("finite samples"));
}

#[divan::bench(args = LAWS, consts = LENGTHS)]
fn generalised_gaussian_fit<const N: usize>(bencher: Bencher<'_, '_>, law: &str) {
    bench(bencher, law, N, |samples| generalised_gaussian(samples, Location::Free));
}

#[divan::bench(args = LAWS)]
fn generalised_gaussian_around_0_1000(bencher: Bencher<'_, '_>, law: &str) {
    bench(bencher, law, 1000, |samples| generalised_gaussian(samples, Location::Fixed(0.0)));
}

#[divan::bench(consts = LENGTHS)]
fn laplace_fit<const N: usize>(bencher: Bencher<'_, '_>) {
    bench(bencher, "1.5", N, |samples| {
        black_box(stats::fit_laplace(samples, Location::Free).expect("finite samples"));
    });
}

#[divan::bench]
fn gaussian_1000(bencher: Bencher<'_, '_>) {
    bench(bencher, "2.0", 1000, |samples| {
        black_box(stats::fit_gaussian(samples, Location::Free).expect("finite samples"));
    });
}

/// A block of columns, samples by row as they come from a training run: items
/// are fits.
#[divan::bench(args = ["1.5", "2.0"])]
fn block_of_columns(bencher: Bencher<'_, '_>, law: &str) {
    let columns = series(law, 1000);
    let rows: Vec<f64> =
        (0..1000).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
    bencher.counter(ItemsCount::new(N_SERIES)).bench_local(|| {
        let mut samples = vec![0.0; 1000];
        for column in 0..N_SERIES {
            for (sample, row) in samples.iter_mut().zip(rows.chunks_exact(N_SERIES)) {
                *sample = row[column];
            }
            black_box(fit(&samples));
        }
    });
}
