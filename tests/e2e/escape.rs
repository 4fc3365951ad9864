//! Escapes: landscapes without a network, checkpoints, what begins outside or runs away, trials that are resumed.

use std::fs;

use crate::workdir::WorkDir;

const PLANE: &str = r#"
name = "small"
seed = 3

[escape]
landscape = { kind = "quadratic", curvatures = [1.0, 4.0], floor = 0.5 }
driver = { kind = "stable", alpha = [[1.8, 1.8], [1.2, 1.8]], scale = 1.0 }
learning_rates = [0.05]
seeds = 60
horizon = 4000
basins = [{ distance = 1.0 }, { loss_ratio = 3.0 }]
"#;

fn rows(work: &WorkDir, run: &str, table: &str) -> Vec<String> {
    let csv = work.succeed(&["show", run, table, "--csv"]).out;
    csv.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn a_landscape_of_formulas_needs_no_network() {
    let work = WorkDir::new();
    fs::write(work.path("plane.toml"), PLANE).unwrap();
    let said = work.succeed(&["run", "plane.toml"]);
    assert!(said.out.contains("α = 1.2, 1.8, |w - w*| = 1"), "{}", said.out);
    let run = work.only_run("runs");
    let run = run.to_str().unwrap();
    assert_eq!(rows(&work, run, "escape_trials").len(), 2 * 2 * 60);
    assert_eq!(rows(&work, run, "escape_axes").len(), 2 * 2 * 2);
    let minimum = &rows(&work, run, "escape_minimum")[0];
    assert!(minimum.starts_with("0.5,0,"), "{minimum}");
    for plot in ["escape_axes.svg", "survival.svg"] {
        assert!(fs::metadata(format!("{run}/plots/{plot}")).is_ok(), "{plot}");
    }
    let report = fs::read_to_string(format!("{run}/report.html")).unwrap();
    assert!(report.contains("Trials begin at loss 0.5"));
}

#[test]
fn threads_change_nothing() {
    let work = WorkDir::new();
    fs::write(work.path("plane.toml"), PLANE).unwrap();
    work.succeed(&["run", "plane.toml", "--out", "a"]);
    let whole = work.only_run("a");
    let trials = fs::read(whole.join("escape_trials.parquet")).unwrap();
    let said =
        work.command(&["run", "plane.toml", "--out", "c"]).env("RAYON_NUM_THREADS", "1").output();
    assert!(said.unwrap().status.success());
    assert_eq!(trials, fs::read(work.only_run("c").join("escape_trials.parquet")).unwrap());
}

#[test]
fn bad_input_is_told_in_one_line() {
    let work = WorkDir::new();
    fs::write(work.path("plane.toml"), PLANE).unwrap();
    let fail = |set: &str| work.fail(2, &["run", "plane.toml", "--set", set]);
    assert_eq!(
        fail("escape.basins=[{interval=[0.5, 1.0]}]"),
        "plane.toml: the minimum, of loss 0.5, lies outside of the basin w in [0.5, 1]: there is nothing to leave"
    );
    assert_eq!(
        fail("escape.driver={kind=\"minibatch_sgd\"}"),
        "plane.toml: escape.driver.kind = \"minibatch_sgd\": permitted is a driver that needs no samples, since the loss of this landscape is no mean over any"
    );
    assert_eq!(
        fail("escape.batch_sizes=[8]"),
        "plane.toml: escape.batch_sizes = [8]: permitted is nothing with a driver without minibatches"
    );
    assert_eq!(
        fail("escape.driver.alpha=[2.5, 1.0]"),
        "plane.toml: escape.driver.alpha = [2.5, 1.0]: permitted is numbers above 0, up to 2"
    );
    let network = fail("escape.landscape={kind=\"network\"}");
    assert!(
        network.starts_with("plane.toml: experiment.data = \"none\": permitted is"),
        "{network}"
    );
}

#[test]
fn what_runs_away_and_what_stays_is_said() {
    let work = WorkDir::new();
    fs::write(work.path("plane.toml"), PLANE).unwrap();
    let unstable = ["--set", "escape.learning_rates=[1.0]", "--set", "escape.check_every=4000"];
    let said = work.succeed(&[&["run", "plane.toml", "--out", "a"], &unstable[..]].concat());
    assert!(said.err.contains("by running away to what is no number"), "{}", said.err);
    let still = ["--set", "escape.driver.scale=1e-9"];
    let said = work.succeed(&[&["run", "plane.toml", "--out", "b"], &still[..]].concat());
    assert!(said.err.contains("0 of 240 exits seen"), "{}", said.err);
    assert!(said.out.contains("lower bound"), "{}", said.out);
}

#[test]
fn a_checkpoint_is_left_without_training() {
    let work = WorkDir::new();
    work.succeed(&["train", "small.toml"]);
    let trained = work.only_run("runs").join("checkpoints/trained.safetensors");
    let trained = trained.to_str().unwrap();
    let flags = ["--batch-size", "4,8", "--lr", "0.2,0.4", "--seeds", "5", "--horizon", "200"];
    let said =
        work.succeed(&[&["escape", "--checkpoint", trained, "--out", "e"], &flags[..]].concat());
    assert!(said.out.contains("η = 0.4, B = 8"), "{}", said.out);
    let run = work.only_run("e");
    assert_eq!(rows(&work, run.to_str().unwrap(), "escape_trials").len(), 2 * 2 * 5);
    assert!(!run.join("steps.csv").exists(), "nothing is trained");
    let line = work.fail(2, &["escape", "--checkpoint", "small.toml", "--out", "x"]);
    assert!(line.starts_with("small.toml: it lies in no run directory"), "{line}");
}

#[test]
fn coarse_checks_are_told_with_and_without_a_certificate() {
    let work = WorkDir::new();
    fs::write(work.path("plane.toml"), PLANE).unwrap();
    let told = |out: &str, set: &str| {
        let coarse = ["--set", "escape.check_every=20", "--set", set];
        let said = work.succeed(&[&["run", "plane.toml", "--out", out], &coarse[..]].concat());
        said.err.contains("checks 20 iterations apart; excursions between are not")
    };
    assert!(told("a", "escape.hessian_eigenvalues=2"));
    assert!(told("b", "escape.hessian_eigenvalues=0"));
    assert!(!work.succeed(&["run", "plane.toml", "--out", "c"]).err.contains("apart"));
}

#[test]
fn a_batch_of_all_samples_is_told_to_be_without_noise() {
    let work = WorkDir::new();
    let regression = PLANE
        .replace(
            "{ kind = \"quadratic\", curvatures = [1.0, 4.0], floor = 0.5 }",
            "{ kind = \"linear_regression\", n_samples = 50, dimension = 2 }",
        )
        .replace(
            "{ kind = \"stable\", alpha = [[1.8, 1.8], [1.2, 1.8]], scale = 1.0 }",
            "{ kind = \"minibatch_sgd\" }",
        );
    fs::write(work.path("regression.toml"), regression + "batch_sizes = [1, 50]\n").unwrap();
    let warning = "a minibatch of B = 50 drawn without replacement is the whole data set: its trials have no noise";
    let tells = |out: &str, driver: &str| {
        let set = format!("escape.driver={driver}");
        let said = work.succeed(&["run", "regression.toml", "--out", out, "--set", &set]);
        let report = fs::read_to_string(work.only_run(out).join("report.html")).unwrap();
        assert_eq!(said.err.contains(warning), report.contains(warning));
        said.err.contains(warning)
    };
    assert!(tells("a", "{ kind = \"minibatch_sgd\" }"));
    assert!(!tells("b", "{ kind = \"minibatch_sgd\", sampling = \"with_replacement\" }"));
    assert!(!tells("c", "{ kind = \"multiplicative\" }"));
}

#[test]
fn terminal_and_report_say_alike_which_theories_are_separated() {
    let work = WorkDir::new();
    let well = PLANE
        .replace("alpha = [[1.8, 1.8], [1.2, 1.8]]", "alpha = 2.0")
        .replace("scale = 1.0", "scale = 3.0")
        .replace("[0.05]", "[0.05, 0.1, 0.2]");
    fs::write(work.path("well.toml"), well).unwrap();
    let said = work.succeed(&["run", "well.toml"]);
    let report = fs::read_to_string(work.only_run("runs").join("report.html")).unwrap();
    let (_, theories) = said.out.split_once("Theories of the mean exit time").unwrap();
    let sentences: Vec<&str> =
        theories.lines().filter(|line| line.ends_with('.') && !line.starts_with("Done")).collect();
    assert!(sentences[0].contains("predicts settings that were left out best."), "{theories}");
    assert!(sentences[1].starts_with("On this sweep these are one and the same formula"));
    for sentence in sentences {
        assert_eq!(report.matches(&format!("<li>{sentence}</li>")).count(), 2, "{sentence}");
    }
}

/// The stability index that one theory asks for is that of the probe at the nearest batch size, unless the experiment says it.
#[test]
fn theories_take_alpha_from_the_probe() {
    let work = WorkDir::new();
    let set =
        ["--set", "escape.learning_rates=[0.2,0.5,1.0]", "--set", "escape.hessian_eigenvalues=0"];
    let said = work.succeed(&[&["run", "small.toml"], &set[..]].concat());
    let run = work.only_run("runs");
    let summary = rows(&work, run.to_str().unwrap(), "noise_summary");
    assert!(summary[0].starts_with("8,"), "{summary:?}");
    let constants = &rows(&work, run.to_str().unwrap(), "escape_constants")[0];
    assert!(constants.contains("the mean α̂ of the probe at B = 8"), "{constants}");
    assert!(said.err.contains("the mean α̂ of the probe at B = 8"), "{}", said.err);
    let alpha: f64 = constants.split(',').nth(4).unwrap().parse().unwrap();
    assert!(summary[0].split(',').any(|cell| cell.parse() == Ok(alpha)), "{alpha} {summary:?}");
    let report = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(report.contains("Taken as measured: ") && report.contains("the probe at B = 8"));

    let stated = [&set[..], &["--set", "escape.noise_alpha=1.25", "--out", "b"]].concat();
    work.succeed(&[&["run", "small.toml"], &stated[..]].concat());
    let constants = &rows(&work, work.only_run("b").to_str().unwrap(), "escape_constants")[0];
    assert!(constants.ends_with(",1.25,escape.noise_alpha"), "{constants}");
}
