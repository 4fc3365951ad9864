//! The tests that simulate the fitted law many times, or fit again without part of the samples.

use stats::{
    AggregationTest, AlphaInterval, EdfStatistics, EdfTest, HeldOut, Law, Location, StatsError,
    Vuong, continuous_part,
};
use train::{Column, Flow, Streams, Table};

use super::fits::{COVERAGE, Series, SeriesFit};
use crate::error::ProbeError;
use crate::spec::FitSpec;

type Statistic = fn(&EdfStatistics) -> f64;

/// Folds of the held-out score.
const N_FOLDS: usize = 10;

/// So many that 50 are left without a fold.
const FEWEST_HELD_OUT: usize = 56;

/// What simulation and refitting say of one series.
#[derive(Debug, Clone)]
pub struct ResampledTests {
    /// Distance of the Gaussian from the samples, with p-values by parametric bootstrap.
    pub gaussian_edf: EdfTest,
    /// The same of the stable law.
    pub stable_edf: EdfTest,
    /// Whether sums of draws keep their α.
    pub aggregation: AggregationTest,
    /// 95 % interval for α between percentiles of the parametric bootstrap.
    pub bootstrap: AlphaInterval,
    /// Held-out log score of the stable law minus that of the Gaussian.
    pub against_gaussian: HeldOut,
    /// The stable law against the best of its rivals; `None` where none is fitted.
    pub against_rival: Option<AgainstRival>,
}

/// The stable law against the rival with the least BIC.
#[derive(Debug, Clone, Copy)]
pub struct AgainstRival {
    /// The rival.
    pub rival: Law,
    /// Vuong's test, positive where the stable law is nearer.
    pub vuong: Vuong,
    /// Held-out log score of the stable law minus that of the rival.
    pub held_out: HeldOut,
}

/// Tests every series that was fitted, without the samples that were left out of the fits, with `n_replicates` simulated
/// series for each bootstrap.
///
/// Each series draws from its own stream, of `streams` and its name: the result depends neither on the number of threads
/// nor on the other series. Held-out scores are NaN for fewer than 56 samples. `go_on` is asked after every series.
///
/// # Errors
/// As [`fit_series`](super::fit_series), and no replicate.
pub fn resampled_tests(
    series: &[Series<'_>],
    fits: &[SeriesFit],
    spec: &FitSpec,
    n_replicates: usize,
    streams: &Streams,
    go_on: &(dyn Fn() -> Flow + Sync),
) -> Result<Vec<ResampledTests>, ProbeError> {
    let location = spec.location.into();
    let test = |(series, fit): (&Series<'_>, &SeriesFit)| {
        let tests = resampled(series, fit, location, n_replicates, streams)
            .map_err(|source| ProbeError::Series { series: series.name.clone(), source })?;
        match go_on() {
            Flow::Stop => Err(ProbeError::Stopped),
            Flow::Continue => Ok(tests),
        }
    };
    // The replicates of each series are spread over the threads.
    series.iter().zip(fits).map(test).collect()
}

fn resampled(
    series: &Series<'_>,
    fit: &SeriesFit,
    location: Location,
    n_replicates: usize,
    streams: &Streams,
) -> Result<ResampledTests, StatsError> {
    let Series { name, samples } = series;
    let (samples, _) = continuous_part(samples);
    let samples = &*samples;
    let streams = streams.named(name);
    let stream = |purpose: &str| {
        let stream = streams.named(purpose);
        move |replicate| stream.rng(replicate)
    };
    let held_out = |against| {
        if samples.len() < FEWEST_HELD_OUT {
            return Ok(HeldOut { mean_difference: f64::NAN, standard_error: f64::NAN });
        }
        stats::held_out_difference(samples, location, N_FOLDS, Law::SymmetricStable, against)
    };
    let against_rival = |rival: Law| -> Result<AgainstRival, StatsError> {
        let ln_densities = |law: Law| law.ln_densities(samples, location, samples);
        let vuong = stats::vuong(
            &ln_densities(Law::SymmetricStable)?,
            &ln_densities(rival)?,
            Law::SymmetricStable.n_parameters(location),
            rival.n_parameters(location),
        );
        Ok(AgainstRival { rival, vuong, held_out: held_out(rival)? })
    };
    let rivals = fit.comparison.rivals.as_ref();
    let rival = rivals.and_then(|rivals| rivals.best_rival()).map(|score| score.law);
    Ok(ResampledTests {
        gaussian_edf: stats::edf_test_gaussian(
            samples,
            location,
            n_replicates,
            stream("gaussian_edf"),
        )?,
        stable_edf: stats::edf_test_stable(samples, location, n_replicates, stream("stable_edf"))?,
        aggregation: stats::aggregation_test(
            samples,
            location,
            n_replicates,
            stream("aggregation"),
        )?,
        bootstrap: stats::bootstrap_interval(
            samples,
            location,
            COVERAGE,
            n_replicates,
            stream("bootstrap"),
        )?,
        against_gaussian: held_out(Law::Gaussian)?,
        against_rival: rival.map(against_rival).transpose()?,
    })
}

/// One row per series, without its name; columns beside those of [`fits_table`](super::fits_table).
///
/// `held_out_…` are differences of the mean log score per sample, stable minus other, with their standard errors (`_se`).
pub fn resampled_table(tests: &[ResampledTests]) -> Table {
    let reals = |of: &dyn Fn(&ResampledTests) -> f64| tests.iter().map(of).collect::<Vec<_>>();
    let mut table = Table::new()
        .with_integers("n_replicates", tests.iter().map(|t| t.stable_edf.n_replicates as i64));
    let edf: [(&str, Statistic); 3] = [
        ("ks", |edf| edf.ks),
        ("cramer_von_mises", |edf| edf.cramer_von_mises),
        ("anderson_darling", |edf| edf.anderson_darling),
    ];
    let tested: [(&str, Vec<EdfTest>); 2] = [
        ("gaussian_", tests.iter().map(|tests| tests.gaussian_edf).collect()),
        ("", tests.iter().map(|tests| tests.stable_edf).collect()),
    ];
    for (prefix, tests) in tested {
        for (name, of) in edf {
            table = table
                .with_reals(
                    &format!("{prefix}{name}"),
                    tests.iter().map(|test| of(&test.statistics)),
                )
                .with_reals(&format!("{prefix}{name}_p"), tests.iter().map(|test| of(&test.p)));
        }
    }
    let rival = |of: fn(&AgainstRival) -> f64| {
        reals(&|tests| tests.against_rival.as_ref().map_or(f64::NAN, of))
    };
    let rival_name = |tests: &ResampledTests| {
        tests.against_rival.map_or_else(String::new, |against| against.rival.to_string())
    };
    table
        .with_reals("aggregation_slope", reals(&|t| t.aggregation.slope))
        .with_reals("aggregation_p", reals(&|t| t.aggregation.p))
        .with_reals("bootstrap_alpha_low", reals(&|t| t.bootstrap.low))
        .with_reals("bootstrap_alpha_high", reals(&|t| t.bootstrap.high))
        .with_reals("held_out_gaussian", reals(&|t| t.against_gaussian.mean_difference))
        .with_reals("held_out_gaussian_se", reals(&|t| t.against_gaussian.standard_error))
        .with("best_rival", Column::Text(tests.iter().map(rival_name).collect()))
        .with_reals("vuong_z", rival(|against| against.vuong.z))
        .with_reals("vuong_p", rival(|against| against.vuong.p_two_sided))
        .with_reals("held_out_rival", rival(|against| against.held_out.mean_difference))
        .with_reals("held_out_rival_se", rival(|against| against.held_out.standard_error))
}

#[cfg(test)]
mod tests {
    use rand::distr::Distribution;
    use stats::{Laplace, SymmetricStable};

    use super::*;
    use crate::quantities::fit_series;

    fn tested(names: &[&str], n_samples: usize) -> Vec<ResampledTests> {
        let draw = |name: &&str| -> Vec<f64> {
            let rng = Streams::new(1).named(name).rng(0);
            match *name {
                "stable" => {
                    let law = SymmetricStable::new(1.5, 1e-3, 0.).unwrap();
                    law.sample_iter(rng).take(n_samples).collect()
                }
                "laplace" => {
                    Laplace::new(0., 1.).unwrap().sample_iter(rng).take(n_samples).collect()
                }
                _ => vec![3.; n_samples],
            }
        };
        let samples: Vec<Vec<f64>> = names.iter().map(draw).collect();
        let series: Vec<Series<'_>> = names
            .iter()
            .zip(&samples)
            .map(|(name, samples)| Series { name: name.to_string(), samples })
            .collect();
        let spec = FitSpec::default();
        let go_on = || Flow::Continue;
        let fits = fit_series(&series, &spec, &go_on).unwrap();
        resampled_tests(&series, &fits, &spec, 39, &Streams::new(2), &go_on).unwrap()
    }

    /// A stable series passes for stable and not for Gaussian; a Laplace series is told by its rival.
    #[test]
    fn laws_are_told_apart() {
        let tests = tested(&["stable", "laplace"], 1500);
        for test in &tests {
            assert_eq!(test.gaussian_edf.p.anderson_darling, 1. / 40., "{test:?}");
            assert!(test.against_gaussian.mean_difference > 0.);
        }
        let [stable, laplace] = &tests[..] else { unreachable!() };
        assert!(stable.stable_edf.p.anderson_darling > 0.05 && stable.aggregation.p > 0.05);
        assert!(stable.bootstrap.low < 1.5 && 1.5 < stable.bootstrap.high, "{stable:?}");
        let [of_stable, of_laplace] = [stable, laplace].map(|test| test.against_rival.unwrap());
        assert!(of_stable.held_out.mean_difference > 0. && of_stable.vuong.z > 2.);
        assert_eq!(of_laplace.rival, Law::Laplace);
        assert!(of_laplace.held_out.mean_difference < 0. && of_laplace.vuong.z < -2.);
    }

    /// A series has the same figures whatever else is tested.
    #[test]
    fn independent_of_the_other_series() {
        let both = resampled_table(&tested(&["laplace", "stable"], 100));
        let alone = resampled_table(&tested(&["stable"], 100));
        for ((name, both), (_, alone)) in both.columns().iter().zip(alone.columns()) {
            assert_eq!(both.cell(1), alone.cell(0), "{name}");
        }
    }

    #[test]
    fn undefined_for_a_constant_series() {
        let table = resampled_table(&tested(&["constant"], 100));
        let undefined = ["ks", "gaussian_ks_p", "aggregation_p", "bootstrap_alpha_low", "vuong_p"];
        for name in undefined.into_iter().chain(["held_out_gaussian", "held_out_rival_se"]) {
            assert!(table.reals(name).unwrap()[0].is_nan(), "{name}");
        }
        assert_eq!(table.texts("best_rival").unwrap(), [""]);
    }

    /// Nothing is left to be held out of 50.
    #[test]
    fn the_shortest_series() {
        let tests = &tested(&["stable"], 50)[0];
        assert!(tests.against_gaussian.mean_difference.is_nan());
        assert!(tests.stable_edf.p.ks > 0.);
    }
}
