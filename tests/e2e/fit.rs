//! `fit` on files of others.

use std::fmt::Write;

use crate::workdir::WorkDir;

/// Quantiles of the Cauchy law (α = 1, γ = 2, δ = 5) and of the Gaussian (σ = 3) at (i + ½)/n: samples without chance.
fn samples() -> String {
    let n = 1001;
    let mut csv = String::from("cauchy,label,gaussian\n");
    for i in 0..n {
        let level = (i as f64 + 0.5) / n as f64;
        let cauchy = 5. + 2. * (std::f64::consts::PI * (level - 0.5)).tan();
        // Sums of 12 equidistributed numbers would do; the inverse error function by bisection is exact.
        let gaussian = 3. * normal_quantile(level);
        writeln!(csv, "{cauchy},x,{gaussian}").unwrap();
    }
    csv
}

/// By bisection on the distribution function, which is integrated by the midpoint rule.
fn normal_quantile(level: f64) -> f64 {
    let density = |x: f64| (-x * x / 2.).exp() / (2. * std::f64::consts::PI).sqrt();
    let cdf = |x: f64| {
        let h = x / 400.;
        0.5 + (0..400).map(|i| density((i as f64 + 0.5) * h) * h).sum::<f64>()
    };
    let (mut low, mut high) = (-6., 6.);
    for _ in 0..50 {
        let middle = (low + high) / 2.;
        if cdf(middle) < level { low = middle } else { high = middle }
    }
    (low + high) / 2.
}

#[test]
fn csv_columns_give_back_the_laws_they_came_from() {
    let work = WorkDir::new();
    work.write("samples.csv", samples());
    let json = work.succeed(&["fit", "samples.csv", "--format", "json"]).out;
    let rows: serde_json::Value = serde_json::from_str(&json).unwrap();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 2, "the text column is left out");
    let real = |row: usize, key: &str| rows[row][key].as_f64().unwrap();
    assert_eq!(rows[0]["column"], "cauchy");
    // Quantiles at the middles of n equal cells cut the tails off, so α̂ comes out a little high.
    assert!((real(0, "alpha") - 1.).abs() < 0.03, "{}", rows[0]);
    assert!((real(0, "gamma") - 2.).abs() < 0.05 && (real(0, "delta") - 5.).abs() < 0.02);
    assert_eq!(rows[0]["verdict"], "heavy, SαS adequate");
    assert_eq!(rows[1]["stable_status"], "boundary");
    assert_eq!(real(1, "alpha"), 2.);
    assert!((real(1, "gaussian_std") - 3.).abs() < 0.02);
    assert_eq!(real(1, "likelihood_ratio"), 0.);
    assert_eq!(rows[1]["verdict"], "Gaussian not rejected");
}

#[test]
fn formats_and_columns() {
    let work = WorkDir::new();
    work.write("samples.csv", samples());
    let args = ["fit", "samples.csv", "--column", "cauchy", "--location", "zero"];
    let table = work.succeed(&args).out;
    assert_eq!(table.lines().count(), 2, "{table}");
    let csv = work.succeed(&[&args[..], &["--format", "csv", "--out", "fit.parquet"]].concat()).out;
    assert!(csv.starts_with("column,n_draws,"), "{csv}");
    assert!(work.path("fit.parquet").exists());
    let line = work.fail(2, &["fit", "samples.csv", "--column", "label"]);
    assert_eq!(line, "samples.csv: column `label`, line 2: `x` is not a number");
}

#[test]
fn raw_noise_of_a_run_is_fitted_to_the_same_figures() {
    let work = WorkDir::new();
    work.succeed(&["probe", "small.toml"]);
    let run = work.only_run("runs");
    let draws = run.join("draws/noise-b8.safetensors");
    let fitted = work.succeed(&["fit", draws.to_str().unwrap(), "--format", "json"]).out;
    let fitted: serde_json::Value = serde_json::from_str(&fitted).unwrap();
    let noise = work.succeed(&["show", run.to_str().unwrap(), "noise", "--csv"]).out;
    let header: Vec<&str> = noise.lines().next().unwrap().split(',').collect();
    let alpha_idx = header.iter().position(|name| *name == "alpha").unwrap();
    let mut n_found = 0;
    for row in fitted.as_array().unwrap() {
        // A parameter's name holds a comma and is quoted.
        let name = format!("\"{}\"", row["column"].as_str().unwrap());
        let line = noise.lines().find(|line| line.starts_with("8,") && line.contains(&name));
        let Some(line) = line else { continue };
        let cells: Vec<&str> = line.split(',').collect();
        let alpha: f64 = cells[alpha_idx + 1].parse().unwrap();
        assert_eq!(row["alpha"].as_f64().unwrap_or(f64::NAN).to_bits(), alpha.to_bits(), "{name}");
        n_found += 1;
    }
    assert!(n_found >= 6, "{n_found} of 12 parameters are weights");
}

#[test]
fn bad_samples_are_named() {
    let work = WorkDir::new();
    work.write("short.csv", "x\n1\n2\n3\n");
    let line = work.fail(2, &["fit", "short.csv"]);
    assert_eq!(line, "short.csv: x: series has 3 samples, at least 50 are needed");
    work.write("nan.csv", "x\n1\nnan\n3\n");
    let line = work.fail(2, &["fit", "nan.csv"]);
    assert_eq!(line, "nan.csv: column `x`, line 3: NaN is not finite");
    work.write("samples.mat", "");
    let line = work.fail(2, &["fit", "samples.mat"]);
    assert_eq!(line, "samples.mat: unknown kind of file; known are .csv, .npy and .safetensors");
    work.write("cut.npy", b"\x93NUMPY\x01\x00");
    assert!(work.fail(2, &["fit", "cut.npy"]).starts_with("cut.npy: "));
    work.write("cut.safetensors", b"\x08");
    assert!(work.fail(2, &["fit", "cut.safetensors"]).starts_with("cut.safetensors: "));
}
