//! A whole experiment in small, and its stages on their own.

use crate::workdir::WorkDir;

const TABLES: [&str; 21] = [
    "ablation",
    "ablation_differences",
    "ablation_summary",
    "certificate",
    "escape_axes",
    "escape_hessian",
    "escape_minimum",
    "escape_summary",
    "escape_survival",
    "escape_trials",
    "noise",
    "noise_aggregation",
    "noise_common_alpha",
    "noise_covariance",
    "noise_example",
    "noise_grid",
    "noise_layers",
    "noise_scale",
    "noise_spectrum",
    "noise_summary",
    "noise_views",
];
const PLOTS: [&str; 9] = [
    "ablation.svg",
    "aggregation.svg",
    "alpha.svg",
    "alpha_layers.svg",
    "escape_time.svg",
    "loss.svg",
    "noise_grid.svg",
    "noise_histogram.svg",
    "survival.svg",
];

#[test]
fn one_command_gives_tables_plots_and_a_report() {
    let work = WorkDir::new();
    let said = work.succeed(&["run", "small.toml"]);
    for text in [&said.out, &said.err] {
        let plain = text.chars().all(|c| c == '\n' || !c.is_control());
        assert!(plain, "control characters where there is no terminal:\n{text}");
    }
    let run = work.only_run("runs");
    assert!(said.out.contains("Gradient noise, mean ± standard deviation"), "{}", said.out);
    assert!(
        said.out.contains("That α is the same at all batch sizes is rejected for"),
        "{}",
        said.out
    );
    let report = format!("Report: runs/small/{}/report.html", run.file_name().unwrap().display());
    assert!(said.out.contains(&report), "{}", said.out);

    let manifest = std::fs::read_to_string(run.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["status"], "finished");
    assert_eq!(manifest["seed"], 3);
    assert_eq!(manifest["data"].as_array().unwrap().len(), 2);
    let stages: Vec<&str> = manifest["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| stage["name"].as_str().unwrap())
        .collect();
    assert_eq!(stages, ["train", "probe", "escape", "ablation"]);

    let rows = |table: &str| {
        let csv = work.succeed(&["show", run.to_str().unwrap(), table, "--csv"]).out;
        csv.lines().count() - 1
    };
    for table in TABLES {
        assert!(rows(table) >= 1, "{table}");
    }
    assert_eq!(rows("noise"), 2 * 12);
    assert_eq!(rows("noise_summary"), 2);
    assert_eq!(rows("noise_example"), 2 * 80);
    assert_eq!(rows("escape_trials"), 2 * 8);
    assert_eq!(rows("ablation"), 3 * 2 * 3);
    assert!(rows("steps") > 3);

    for plot in PLOTS {
        let svg = std::fs::read_to_string(run.join("plots").join(plot)).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{plot}");
    }
    let report = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert_eq!(report.matches("<svg").count(), PLOTS.len());
    for outside in ["<script", "<link", " src=\"", "url(", "@import"] {
        assert!(!report.contains(outside), "the report is not self-contained: {outside}");
    }
}

#[test]
fn a_finished_run_is_found_again_and_not_redone() {
    let work = WorkDir::new();
    let args = ["train", "small.toml"];
    work.succeed(&args);
    let run = work.only_run("runs");
    let written = |file: &str| std::fs::metadata(run.join(file)).unwrap().modified().unwrap();
    let files = ["checkpoints/trained.safetensors", "manifest.json", "report.html"];
    let before = files.map(written);
    let said = work.succeed(&args);
    assert_eq!(files.map(written), before);
    assert!(!said.err.contains("train minimum"), "{}", said.err);
    let manifest = std::fs::read_to_string(run.join("manifest.json")).unwrap();
    assert!(manifest.contains("certificate.parquet"), "{manifest}");
}

#[test]
fn stages_on_their_own_give_what_the_whole_run_gives() {
    let work = WorkDir::new();
    work.succeed(&["run", "small.toml", "--out", "whole"]);
    for stage in ["train", "probe", "escape"] {
        work.succeed(&[stage, "small.toml", "--out", "parts"]);
    }
    let parts = work.only_run("parts");
    let manifest = std::fs::read_to_string(parts.join("manifest.json")).unwrap();
    assert!(manifest.contains("\"status\": \"partial\""), "{manifest}");
    work.succeed(&["run", "small.toml", "--out", "parts"]);
    crate::workdir::assert_same_results(&work.only_run("whole"), &parts);
}

#[test]
fn the_resolved_experiment_replays_the_run() {
    let work = WorkDir::new();
    work.succeed(&["train", "small.toml", "--seed", "8", "--set", "model.hidden=[5]"]);
    let run = work.only_run("runs");
    let resolved = run.join("experiment.toml");
    work.succeed(&["train", resolved.to_str().unwrap(), "--out", "again"]);
    assert_eq!(work.only_run("again").file_name(), run.file_name());
}

#[test]
fn a_sweep_makes_one_run_per_point() {
    let work = WorkDir::new();
    let sweep = "sweep={\"seed\" = [1, 2], \"model.hidden\" = [[4]]}";
    work.succeed(&["train", "small.toml", "--set", sweep]);
    let mut points: Vec<String> = std::fs::read_dir(work.path("runs/small"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    points.sort();
    assert_eq!(points.len(), 2, "{points:?}");
    assert!(points[0].contains("seed=1") && points[1].contains("seed=2"), "{points:?}");
}

#[test]
fn report_and_show_read_what_is_there() {
    let work = WorkDir::new();
    work.succeed(&["train", "small.toml"]);
    let run = work.only_run("runs");
    let run = run.to_str().unwrap();
    std::fs::remove_file(format!("{run}/report.html")).unwrap();
    work.succeed(&["report", run]);
    let report = std::fs::read_to_string(format!("{run}/report.html")).unwrap();
    assert!(report.contains("gradient norm"));
    let out = work.succeed(&["show", run]).out;
    assert!(out.contains("Status: partial") && out.contains("Minimum at step"), "{out}");
    let line = work.fail(2, &["show", run, "noise"]);
    assert!(line.ends_with("no table `noise`; there are certificate.parquet, steps.csv"), "{line}");
}

#[test]
fn an_ablation_alone_needs_no_network_of_its_own() {
    let work = WorkDir::new();
    let small = include_str!("small.toml");
    let (_, ablation) = small.split_once("[ablation]").unwrap();
    work.write("alone.toml", format!("name = \"small\"\nseed = 3\n[ablation]{ablation}"));
    let said = work.succeed(&["run", "alone.toml"]);
    assert!(said.out.contains("Ablation at equal epochs"), "{}", said.out);
    let alone = std::fs::read(work.only_run("runs").join("ablation.parquet")).unwrap();
    work.succeed(&["run", "small.toml", "--out", "whole"]);
    let whole = std::fs::read(work.only_run("whole").join("ablation.parquet")).unwrap();
    assert!(alone == whole, "the arms are those of the whole experiment");

    work.write(
        "half.toml",
        format!("name = \"small\"\nseed = 3\n[data]\nname = \"ionosphere\"\nstandardise = true\n[ablation]{ablation}"),
    );
    let line = work.fail(2, &["run", "half.toml"]);
    assert!(
        line.starts_with("half.toml: experiment.model = \"none\": permitted is a section"),
        "{line}"
    );
    work.write("none.toml", "name = \"small\"\nseed = 3\n");
    let line = work.fail(2, &["run", "none.toml"]);
    assert!(
        line.starts_with("none.toml: experiment.data = \"none\": permitted is a section"),
        "{line}"
    );
}

/// What one table says of a parameter is found in another by its name.
#[test]
fn tables_join_by_the_names_of_parameters() {
    let work = WorkDir::new();
    work.succeed(&[
        "run",
        "small.toml",
        "--set",
        "probe.parameters=\"all\"",
        "--set",
        "probe.batch_sizes=[8]",
    ]);
    let run = work.only_run("runs");
    let column = |table: &str, name: &str| -> Vec<String> {
        let csv = work.succeed(&["show", run.to_str().unwrap(), table, "--csv"]).out;
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let place = reader.headers().unwrap().iter().position(|own| own == name).unwrap();
        reader.records().map(|row| row.unwrap()[place].to_owned()).collect()
    };
    let probed = column("noise", "parameter");
    let left: Vec<String> =
        column("escape_trials", "coordinate").into_iter().filter(|name| !name.is_empty()).collect();
    assert!(!left.is_empty());
    for name in left.iter().chain(&column("escape_axes", "coordinate")) {
        assert!(probed.contains(name), "{name}");
    }
}
