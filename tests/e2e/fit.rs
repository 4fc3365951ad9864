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
    assert_eq!(rows[0]["name"], "cauchy");
    // Quantiles at the middles of n equal cells cut the tails off, so α̂ comes out a little high.
    assert!((real(0, "alpha") - 1.).abs() < 0.03, "{}", rows[0]);
    assert!((real(0, "gamma") - 2.).abs() < 0.05 && (real(0, "delta") - 5.).abs() < 0.02);
    assert_eq!(rows[0]["verdict"], "heavy, SαS");
    assert_eq!(rows[1]["status"], "boundary");
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
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.contains("AIC lead: of SαS over the best law of finite variance"), "{table}");
    let csv = work.succeed(&[&args[..], &["--format", "csv"]].concat()).out;
    assert!(csv.starts_with("name,n,"), "{csv}");
    work.succeed(&[&args[..], &["--format", "parquet", "--out", "fit.parquet"]].concat());
    work.succeed(&[&args[..], &["--format", "csv", "--out", "fit.csv"]].concat());
    assert_eq!(std::fs::read_to_string(work.path("fit.csv")).unwrap(), csv);
    assert!(std::fs::read(work.path("fit.parquet")).unwrap().starts_with(b"PAR1"));
    work.succeed(&["fit", "samples.csv", "--plots", "plots"]);
    for figure in ["histogram", "quantiles", "profile"] {
        let svg =
            std::fs::read_to_string(work.path(&format!("plots/cauchy/{figure}.svg"))).unwrap();
        assert!(svg.starts_with("<svg") && !svg.contains("NaN"), "{figure}");
    }
    let line = work.fail(2, &["fit", "samples.csv", "--column", "label"]);
    assert_eq!(line, "samples.csv: column `label`, line 2: `x` is not a number");
}

#[test]
fn estimators_by_name_agree_on_what_they_estimate() {
    let work = WorkDir::new();
    work.write("samples.csv", samples());
    let args = ["fit", "samples.csv", "--column", "cauchy", "--format", "json", "--estimator"];
    let json = work.succeed(&[&args[..], &["all"]].concat()).out;
    let rows: serde_json::Value = serde_json::from_str(&json).unwrap();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 5);
    for row in rows.iter().filter(|row| row["estimator"] != "mohammadi") {
        assert!((row["alpha"].as_f64().unwrap() - 1.).abs() < 0.1, "{row}");
    }
    let one = work.succeed(&[&args[..], &["mcculloch"]].concat()).out;
    assert!(one.contains("mcculloch") && !one.contains("koutrouvelis"), "{one}");
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
        let name = format!("\"{}\"", row["name"].as_str().unwrap());
        let line = noise.lines().find(|line| line.starts_with("8,") && line.contains(&name));
        let Some(line) = line else { continue };
        let cells: Vec<&str> = line.split(',').collect();
        let alpha: f64 = cells[alpha_idx + 1].parse().unwrap();
        // The reader of JSON here may be off by the last digit.
        let fitted = row["alpha"].as_f64().unwrap_or(f64::NAN);
        let same = (fitted / alpha - 1.).abs() < 4e-16 || fitted.is_nan() && alpha.is_nan();
        assert!(same, "{name}: {fitted} {alpha}");
        n_found += 1;
    }
    assert!(n_found >= 6, "{n_found} of 12 parameters are weights");
}

/// Gaussian columns under the numbers of the columns, as pandas writes them: the same figures as under names.
#[test]
fn numbers_of_columns_are_no_draw() {
    let work = WorkDir::new();
    let rows: String = (0..101)
        .map(|i| {
            let quantile = normal_quantile((f64::from(i * 37 % 101) + 0.5) / 101.);
            format!("{},{}\n", 1e-3 * quantile, -2e-3 * quantile)
        })
        .collect();
    work.write("numbers.csv", format!("0,1\n{rows}"));
    work.write("names.csv", format!("p0,p1\n{rows}"));
    let numbers = work.succeed(&["fit", "numbers.csv", "--format", "csv"]);
    let names = work.succeed(&["fit", "names.csv", "--format", "csv"]);
    assert_eq!(numbers.out.replace("\n0,", "\np0,").replace("\n1,", "\np1,"), names.out);
    assert!(names.out.contains("Gaussian not rejected"), "{}", names.out);
    let assumed = "line 1, `0`, `1`, is taken for a header (--header no takes it for a row)";
    assert!(numbers.err.lines().any(|line| line == assumed), "{}", numbers.err);
    let row = work.succeed(&["fit", "numbers.csv", "--header", "no", "--format", "csv"]).out;
    assert!(row.contains("\n1,102,") && row.contains("\n2,102,"), "{row}");
    // Settings could be draws.
    work.write("settings.csv", format!("0.1,0.01\n{rows}"));
    let line = work.fail(2, &["fit", "settings.csv"]);
    let ambiguous = "settings.csv: line 1, `0.1`, `0.01`, may name the columns or be a row: --header yes or --header no says which";
    assert_eq!(line, ambiguous);
    let named = work.succeed(&["fit", "settings.csv", "--header", "yes", "--format", "csv"]).out;
    assert!(named.contains("\n0.1,101,") && named.contains("\n0.01,101,"), "{named}");
    // A missing value in line 1 is one.
    work.write("lacks.csv", format!("NA,3\n{rows}"));
    let line = work.fail(2, &["fit", "lacks.csv"]);
    assert_eq!(line, "lacks.csv: column `1`, line 1: `NA` is not a number");
    // Bytes of a file cannot reach the terminal, however many.
    let cell = format!("\u{1b}]0;x\u{7}{}", "y".repeat(5000));
    work.write("bytes.csv", format!("a\n{}{cell}\n", "0.5\n".repeat(60)));
    let line = work.fail(2, &["fit", "bytes.csv"]);
    assert!(line.chars().count() < 1100 && !line.contains(char::is_control), "{line}");
}

/// Every test that the instrument knows, in one row; the same bytes whatever the number of threads.
#[test]
fn replicates_give_all_tests() {
    let work = WorkDir::new();
    work.write("samples.csv", samples());
    let args = ["fit", "samples.csv", "--replicates", "19", "--format", "json"];
    let json = work.succeed(&args).out;
    let on_one_thread = work.command(&args).env("RAYON_NUM_THREADS", "1").output().unwrap();
    assert_eq!(json.as_bytes(), on_one_thread.stdout);
    let rows: serde_json::Value = serde_json::from_str(&json).unwrap();
    let (cauchy, gaussian) = (&rows[0], &rows[1]);
    assert_eq!(cauchy["n_replicates"], 19);
    assert_eq!(cauchy["gaussian_anderson_darling_p"], 0.05);
    // Quantiles lie nearer to their law than any draws.
    for row in [cauchy, gaussian] {
        for name in ["ks_p", "cramer_von_mises_p", "anderson_darling_p"] {
            assert_eq!(row[name], 1., "{name}");
        }
    }
    assert_eq!(cauchy["best_rival"], "Student-t");
    assert!((cauchy["student_t_nu"].as_f64().unwrap() - 1.).abs() < 0.1, "{cauchy}");
    for name in ["vuong_p", "held_out_rival", "bic", "laplace_b", "p_adjusted_yekutieli"] {
        assert!(cauchy[name].is_number(), "{name}");
    }
    assert!(gaussian["student_t_nu"].is_null() && gaussian["vuong_z"].is_null());
    let line = work.fail(2, &["fit", "samples.csv", "--replicates", "3"]);
    assert!(line.contains("3 is not in 19..=1000000"), "{line}");
}

/// Without rivals nothing is said of the variance, and the rest is the same.
#[test]
fn rivals_can_be_left_out() {
    let work = WorkDir::new();
    work.write("samples.csv", samples());
    let rows = |more: &[&str]| -> serde_json::Value {
        let args = [&["fit", "samples.csv", "--format", "json"], more].concat();
        serde_json::from_str(&work.succeed(&args).out).unwrap()
    };
    let (with, without) = (rows(&[]), rows(&["--no-rivals"]));
    assert_eq!(without[0]["verdict"], "heavy, not compared");
    assert_eq!(without[1]["verdict"], "Gaussian not rejected");
    assert!(without[0]["student_t_nu"].is_null() && without[0]["student_t_status"] == "");
    assert_eq!(with[0]["student_t_status"], "interior");
    for key in ["alpha", "alpha_low", "chi2", "tail_index"] {
        assert_eq!(with[0][key], without[0][key], "{key}");
    }
    let line = work.fail(2, &["fit", "samples.csv", "--no-rivals", "--pooled"]);
    assert!(line.contains("--no-rivals") && line.contains("--pooled"), "{line}");
}

/// A third of exact zeros in a Gaussian column: told by their share, and left out.
#[test]
fn zeros_are_told_apart() {
    let work = WorkDir::new();
    let value = |i: i32| if i % 3 == 1 { 0. } else { normal_quantile((f64::from(i) + 0.5) / 600.) };
    work.write("zeros.csv", (0..600).map(|i| format!("{}\n", value(i))).collect::<String>());
    let json = work.succeed(&["fit", "zeros.csv", "--format", "json"]).out;
    let rows: serde_json::Value = serde_json::from_str(&json).unwrap();
    let row = &rows[0];
    assert_eq!((row["n"].as_i64(), row["n_fitted"].as_i64()), (Some(600), Some(400)));
    assert!((row["tied"].as_f64().unwrap() - 1. / 3.).abs() < 1e-12);
    assert_eq!(
        (&row["tied_value"], &row["verdict"]),
        (&0f64.into(), &"Gaussian not rejected".into())
    );
    let table = work.succeed(&["fit", "zeros.csv"]).out;
    assert!(table.contains("33.3 % = 0"), "{table}");
}

/// Numbers of every magnitude: a fit or one line, and no panic.
#[test]
fn any_magnitude_is_answered() {
    let work = WorkDir::new();
    for (decades, least) in [(600, -292), (300, -142), (300, 7)] {
        let value = |i: i32| (-1f64).powi(i) * 10f64.powi((i * 37) % decades + least);
        work.write("wild.csv", (0..60).map(|i| format!("{:e}\n", value(i))).collect::<String>());
        let said = work.run(&["fit", "wild.csv"]);
        let is_line = said.code == 2 && said.err.starts_with("noisescope: wild.csv: ");
        assert!(said.code == 0 || is_line, "{}", said.err);
    }
}

/// Gaussian columns of different scale: pooled they look heavy.
#[test]
fn pooled_columns_look_heavier_than_each() {
    let work = WorkDir::new();
    let quantiles: Vec<f64> =
        (0..101).map(|i| normal_quantile((f64::from(i) + 0.5) / 101.)).collect();
    let row = |quantile: &f64| format!("{},{},{}\n", quantile, 10. * quantile, 100. * quantile);
    work.write("scales.csv", quantiles.iter().map(row).collect::<String>());
    let json = work.succeed(&["fit", "scales.csv", "--pooled", "--format", "json"]).out;
    let rows: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(rows[0]["per_parameter_alpha_mean"], 2.);
    assert!(rows[0]["pooled_alpha"].as_f64().unwrap() < 1., "{json}");
    assert!(rows[0]["per_draw_alpha_mean"].is_null(), "3 parameters are too few");
}

#[test]
fn bad_samples_are_named() {
    let work = WorkDir::new();
    work.write("short.csv", "x\n1\n2\n3\n");
    let line = work.fail(2, &["fit", "short.csv"]);
    assert_eq!(line, "short.csv: x: series of length 3, at least 50 samples are needed");
    work.write("nan.csv", "x\n1\nnan\n3\n");
    let line = work.fail(2, &["fit", "nan.csv"]);
    assert_eq!(line, "nan.csv: column `x`, line 3: NaN is not finite");
    work.write("samples.mat", "");
    let line = work.fail(2, &["fit", "samples.mat"]);
    assert_eq!(
        line,
        "samples.mat: unknown kind of file; known are .csv, .tsv, .npy, .npz, .parquet and .safetensors"
    );
    work.write("cut.npy", b"\x93NUMPY\x01\x00");
    assert!(work.fail(2, &["fit", "cut.npy"]).starts_with("cut.npy: "));
    work.write("cut.safetensors", b"\x08");
    assert!(work.fail(2, &["fit", "cut.safetensors"]).starts_with("cut.safetensors: "));
}
