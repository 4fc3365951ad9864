//! Bad input and failed runs: the line, the exit code, what stays.

use std::process::Command;

use crate::workdir::{WorkDir, said};

#[track_caller]
fn check(set: &str, expected: &str) {
    let work = WorkDir::new();
    let line = work.fail(2, &["run", "small.toml", "--set", set]);
    assert_eq!(line, format!("small.toml: {expected}"));
    assert!(!work.path("runs").exists(), "bad input leaves nothing behind");
}

#[test]
fn unknown_keys() {
    let work = WorkDir::new();
    let line = work.fail(2, &["run", "small.toml", "--set", "training.lr=0.1"]);
    assert!(
        line.starts_with("small.toml: training.lr: unknown field `lr`, expected one of"),
        "{line}"
    );
    let line = work.fail(2, &["run", "small.toml", "--set", "trainig.batch_size=1"]);
    assert!(line.starts_with("small.toml: trainig: unknown field `trainig`"), "{line}");
}

#[test]
fn wrong_types() {
    check(
        "training.batch_size=large",
        "training.batch_size: invalid type: string \"large\", expected a whole number, 0 or more",
    );
    check(
        "escape.basins=[{loss_ratio=[]}]",
        "escape.basins[0].loss_ratio: invalid type: sequence, expected a number",
    );
    check(
        "model.kind=lenet",
        "model.kind: unknown variant `lenet`, expected one of `mlp`, `cifar_resnet`, `resnet`, `zhu`",
    );
    check("model.kind=resnet", "model: key `hidden` does not belong to kind `resnet`");
}

#[test]
fn values_of_several_forms() {
    let covariance = |written: &str| {
        let set = format!("escape.driver={{kind=\"brownian\",covariance={written}}}");
        let forms = "{ isotropic = variance }, { diagonal = [variance, …] }, { full = [[…], …] }, or \
                     { minibatch = \"isotropic\" }, \"diagonal\", \"full\"";
        check(&set, &format!("escape.driver.covariance = {written}: permitted is {forms}"));
    };
    covariance("{ isotropc = 1.0 }");
    covariance("{ minibatch = \"round\" }");
    covariance("{ isotropic = \"large\" }");
    covariance("{ diagonal = [1.0], isotropic = 1.0 }");
    covariance("1.0");
    check(
        "escape.driver={kind=\"stable\",alpha=\"heavy\",scale=1}",
        "escape.driver.alpha = \"heavy\": permitted is a number, a list of numbers, or a list of such lists",
    );
    check(
        "escape.driver={kind=\"minibatch_sgd\",momentum=\"large\"}",
        "escape.driver.momentum: invalid type: string \"large\", expected a number",
    );

    let interval = |written: &str| {
        let basins = format!("escape.basins=[{{distance=1}},{{interval={written}}}]");
        let permitted = "permitted is two numbers, the lower first; -inf and inf are numbers here";
        check(&basins, &format!("escape.basins[1].interval = {written}: {permitted}"));
    };
    interval("1.0");
    interval("[1.0]");
    interval("[1.0, 2.0, 3.0]");
    interval("[\"low\", 2.0]");
    let keys = |written: &str| {
        let permitted = "one key of loss_ratio, loss_rise, distance, interval, accuracy; several \
                         basins are several in the list";
        let expected = format!("escape.basins[0] = {written}: permitted is {permitted}");
        check(&format!("escape.basins=[{written}]"), &expected);
    };
    keys("{ distance = 1.0, loss_ratio = 2.0 }");
    keys("{}");
    check(
        "escape.basins=[\"distance\"]",
        "escape.basins[0]: invalid type: string \"distance\", expected a basin, such as { loss_ratio = 10.0 }",
    );
}

#[test]
fn values_out_of_range() {
    check("training.batch_size=0", "training.batch_size = 0: permitted is 1 or more");
    check(
        "training.learning_rate=-1",
        "training.learning_rate = -1.0: permitted is a number above 0",
    );
    check(
        "training.learning_rate=nan",
        "training.learning_rate = NaN: permitted is a number above 0",
    );
    check("training.evaluate={steps=0}", "training.evaluate.steps = 0: permitted is 1 or more");
    check(
        "training.minimum.gradient_norm=0",
        "training.minimum.gradient_norm = 0.0: permitted is a number above 0",
    );
    check(
        "training.minimum={}",
        "training.minimum = {}: permitted is gradient_norm, plateau, or both",
    );
    check(
        "training.minimum={plateau={evaluations=0,relative_improvement=0.01}}",
        "training.minimum.plateau.evaluations = 0: permitted is 1 or more",
    );
    check(
        "training.optimizer={sgd={momentum=1}}",
        "training.optimizer.sgd.momentum = 1.0: permitted is a number from 0 to below 1",
    );
    check(
        "training.learning_rate_schedule={cosine={epochs=0,final_multiplier=0}}",
        "training.learning_rate_schedule.cosine.epochs = 0: permitted is 1 or more",
    );
    check("model.hidden=[8, 0]", "model.hidden = [8, 0]: permitted is widths of 1 to 65536");
    check("probe.draws=49", "probe.draws = 49: permitted is 50 to 10000000");
    check(
        "probe.parameters=100000",
        "probe.parameters = 100000: permitted is at most the network's 602",
    );
    check(
        "probe.batch_sizes=[8, 351]",
        "probe.batch_sizes = [8, 351]: permitted is sizes below the 351 training samples",
    );
    check("fit.level=1", "fit.level = 1.0: permitted is between 0 and 1");
    check(
        "escape.basins=[{loss_ratio=1}]",
        "escape.basins.loss_ratio = 1.0: permitted is a number above 1",
    );
    check("escape.check_every=61", "escape.check_every = 61: permitted is 1 to the horizon");
    check(
        "escape.learning_rates=[0.2, 0.2]",
        "escape.learning_rates = [0.2, 0.2]: permitted is numbers that differ",
    );
    check(
        "ablation.milestones=[2]",
        "ablation.milestones = [2]: permitted is a list of epochs from 1 to below max_epochs = 2",
    );
    check(
        "ablation.training.minimum={gradient_norm=1}",
        "ablation.training.minimum = \"a section\": permitted is none: the arms are compared at equal epochs",
    );
    check(
        "training.batch_size=352",
        "training.batch_size = 352: permitted is at most the 351 training samples",
    );
    check(
        "model.hidden=[65536, 65536]",
        "model.hidden = [65536, 65536]: permitted is widths that make at most 268435456 parameters, not 4297457666",
    );
    check("ablation.factor=1", "ablation.factor = 1.0: permitted is a number above 1");
    check(
        "ablation.milestones=[2, 1]",
        "ablation.milestones = [2, 1]: permitted is increasing epochs",
    );
    check("name=a/b", "name = \"a/b\": permitted is letters, digits, - and _");
}

#[test]
fn data_that_is_missing_or_corrupt() {
    check(
        "data.name=iris",
        "iris: unknown data set; known are ionosphere, fashion-mnist-6k, mnist, fashion-mnist, cifar10, cifar100, cifar100-coarse, cinic10, cardio, ionosphere-odds, musk, cola",
    );
    check("data.directory=nowhere", "nowhere: No such file or directory (os error 2)");
    let work = WorkDir::new();
    work.write("ionosphere.data", "1,2,g\n");
    let line = work.fail(2, &["run", "small.toml", "--set", "data.directory=."]);
    assert!(line.starts_with("small.toml: ./ionosphere.data: 6 bytes with sha256"), "{line}");
}

#[test]
fn files_and_devices_that_are_not_there() {
    let work = WorkDir::new();
    let line = work.fail(2, &["run", "absent.toml"]);
    assert_eq!(line, "absent.toml: No such file or directory (os error 2)");
    let line = work.fail(2, &["run", "small.toml", "--out", "small.toml"]);
    assert!(line.contains("--out small.toml") && line.contains("Not a directory"), "{line}");
    let line = work.fail(2, &["run", "small.toml", "--device", "tpu"]);
    assert_eq!(line, "small.toml: device = tpu: permitted is cpu or cuda:N");
    let line = work.fail(2, &["show", "."]);
    assert_eq!(line, ".: not a run directory: it holds no manifest.json");
    work.write("broken.toml", "name = \"x\"\nseed = \n");
    let line = work.fail(2, &["run", "broken.toml"]);
    assert!(line.starts_with("broken.toml: line 2: "), "{line}");
}

#[test]
fn a_stage_that_the_experiment_lacks() {
    let work = WorkDir::new();
    let text = include_str!("small.toml");
    work.write("short.toml", text.split("[probe]").next().unwrap());
    let line = work.fail(2, &["escape", "short.toml"]);
    assert_eq!(line, "short.toml: there is no section [escape]");
}

#[test]
fn a_diverging_run_fails_and_keeps_what_it_had() {
    let work = WorkDir::new();
    let line = work.fail(1, &["run", "small.toml", "--set", "training.learning_rate=1e30"]);
    let expected =
        "small.toml: learning_rate = 1e30: training diverged, loss is NaN at step 2; permitted";
    assert!(line.starts_with(expected), "{line}");
    let run = work.only_run("runs");
    let manifest = std::fs::read_to_string(run.join("manifest.json")).unwrap();
    assert!(manifest.contains("\"status\": \"failed\""), "{manifest}");
    assert!(manifest.contains("training diverged"), "{manifest}");
    let out = work.succeed(&["show", run.to_str().unwrap(), "steps", "--csv"]).out;
    assert_eq!(
        out.lines().count(),
        2,
        "the evaluation before the first step stays readable: {out}"
    );
}

#[test]
fn a_minimum_that_is_not_reached_is_not_certified() {
    let work = WorkDir::new();
    let line = work.fail(1, &["run", "small.toml", "--set", "training.max_epochs=3"]);
    assert!(
        line.starts_with("small.toml: no minimum: after training.max_epochs = 3 the gradient norm"),
        "{line}"
    );
    assert!(!work.only_run("runs").join("certificate.parquet").exists());

    let plateau = "training.minimum={plateau={evaluations=9,relative_improvement=0.01}}";
    let args = ["train", "small.toml", "--set", plateau, "--set", "training.max_epochs=3"];
    let line = work.fail(1, &args);
    let expected =
        "small.toml: no minimum: after training.max_epochs = 3 the loss is on no plateau";
    assert!(line.starts_with(expected), "{line}");
}

#[test]
fn a_full_disk_fails_the_run_and_keeps_what_was_finished() {
    let work = WorkDir::new();
    // A limit on the size of files stands for a full disk: the checkpoint fits, the raw noise does not.
    let binary = env!("CARGO_BIN_EXE_noisescope");
    let script = format!("trap '' XFSZ; ulimit -f 8; exec {binary} run small.toml");
    let output = Command::new("sh").args(["-c", &script]).current_dir(work.path("")).output();
    let said = said(output.unwrap());
    assert_eq!(said.code, 1, "{}", said.err);
    let line = said.err.lines().last().unwrap();
    assert!(line.contains("File too large"), "{line}");
    let run = work.only_run("runs");
    let manifest = std::fs::read_to_string(run.join("manifest.json")).unwrap();
    assert!(manifest.contains("\"status\": \"failed\""), "{manifest}");
    assert!(work.succeed(&["show", run.to_str().unwrap()]).out.contains("Minimum at step"));
    // With room again, the same command goes on.
    work.succeed(&["run", "small.toml"]);
}

#[test]
fn damaged_files_of_a_run_are_named() {
    let work = WorkDir::new();
    work.succeed(&["train", "small.toml"]);
    let run = work.only_run("runs");
    std::fs::write(run.join("checkpoints/trained.safetensors"), b"garbage").unwrap();
    let line = work.fail(1, &["probe", "small.toml"]);
    assert!(line.contains("trained.safetensors: not a checkpoint of this experiment"), "{line}");
    std::fs::write(run.join("certificate.parquet"), b"garbage").unwrap();
    let line = work.fail(1, &["show", run.to_str().unwrap()]);
    assert!(line.contains("certificate.parquet: not a readable table"), "{line}");
}
