//! `data`: list, verify, show, fetch and import.

use crate::workdir::WorkDir;

#[test]
fn list_names_every_set_with_its_licence() {
    let out = WorkDir::new().succeed(&["data", "list"]).out;
    let line = |name: &str| {
        let line = out.lines().find(|line| line.trim_start().starts_with(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {out}")).to_owned()
    };
    assert!(line("ionosphere").contains("verified") && line("ionosphere").contains("CC BY 4.0"));
    assert!(line("fashion-mnist-6k").contains("this program"), "{out}");
    assert!(line("cifar100").contains("data fetch cifar100 (142 MB)"), "{out}");
    assert!(line("cola").contains("nyu-mll.github.io/CoLA"), "{out}");
}

#[test]
fn verify_computes_the_figures_of_the_card() {
    let out = WorkDir::new().succeed(&["data", "verify"]).out;
    assert!(out.contains("ionosphere: verified"), "{out}");
    assert!(out.contains("351 + 0 samples of 34 features; mean ± deviation 0.247697 ±"), "{out}");
    assert!(out.contains("training classes: b 126, g 225"), "{out}");
    assert!(out.contains("5000 + 1000 samples of 1 × 28 × 28 pixels; mean ± deviation 0.287346"));
}

#[test]
fn verify_refuses_a_damaged_copy_by_name() {
    let work = WorkDir::new();
    work.write("ionosphere.data", "1,2,g\n");
    let args = ["data", "verify", "ionosphere", "--directory", "."];
    let out = work.command(&args).output().unwrap();
    assert_eq!(out.status.code(), Some(2));
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.contains("NOT verified\n  ./ionosphere.data: 6 bytes with sha256 "), "{text}");
    assert!(text.contains("the card of ionosphere says 76467 bytes"), "{text}");
    let line = work.fail(2, &["data", "verify", "ionosfere"]);
    assert!(line.starts_with("ionosfere: unknown data set; known are ionosphere, "), "{line}");
    let line = work.fail(2, &["data", "verify", "mnist", "--directory", "."]);
    assert_eq!(line, "none of these data sets is here in . or in a folder in it");
}

#[test]
fn show_draws_images_and_describes_features() {
    let work = WorkDir::new();
    let out = work.succeed(&["data", "show", "fashion-mnist-6k"]).out;
    assert!(out.contains("contact sheet, one row per class: fashion-mnist-6k.png"), "{out}");
    let sheet = std::fs::read(work.path("fashion-mnist-6k.png")).unwrap();
    let decoder = png::Decoder::new(std::io::Cursor::new(sheet));
    let info = decoder.read_info().unwrap().info().clone();
    assert_eq!((info.width, info.height), (12 * 58 + 2, 10 * 58 + 2));
    let out = work.succeed(&["data", "show", "ionosphere"]).out;
    assert!(out.contains("Sigillito") && out.contains("lower quartile"), "{out}");
}

#[test]
fn what_is_not_here_and_cannot_be_fetched() {
    let work = WorkDir::new();
    let line = work.fail(2, &["data", "fetch", "mnist"]);
    assert!(line.contains("HF_HUB_OFFLINE is set"), "{line}");
    let line = work.fail(2, &["data", "fetch", "cinic10"]);
    assert!(line.contains("the Hugging Face hub does not have it"), "{line}");
    work.write("x.toml", EXPERIMENT.replace("NAME", "mnist"));
    let line = work.fail(2, &["train", "x.toml"]);
    assert!(line.contains("`noisescope data fetch mnist` downloads it"), "{line}");
}

const EXPERIMENT: &str = r#"
name = "small"
seed = 1
data = { name = "NAME", standardise = true }
model = { kind = "mlp", hidden = [4] }
training = { learning_rate = 0.1, batch_size = 4, max_epochs = 2 }
"#;

#[test]
fn an_imported_table_is_trained_on_by_name() {
    let work = WorkDir::new();
    let rows =
        (0..20).map(|i| format!("{},{},{}\n", i % 7, i * i, if i % 3 == 0 { "yes" } else { "no" }));
    work.write("own.csv", format!("a,b,answer\n{}", rows.collect::<String>()));
    let import = ["data", "import", "own.csv", "--name", "own", "--label", "answer"];
    let out = work.succeed(&import).out;
    assert!(out.starts_with("own: 20 + 0 samples of 2 features, 2 classes"), "{out}");
    assert!(work.succeed(&["data", "list"]).out.contains("own.safetensors"));
    work.write("x.toml", EXPERIMENT.replace("NAME", "own"));
    work.succeed(&["train", "x.toml"]);
    let run = work.only_run("runs");
    let manifest = std::fs::read_to_string(run.join("manifest.json")).unwrap();
    assert!(manifest.contains("\"name\": \"own\""), "{manifest}");
    work.write("own.csv", "a,b,answer\n1,2,yes\n3,4,no\n5,6,no\n7,8,no\n");
    work.succeed(&import);
    let line = work.fail(2, &["train", "x.toml"]);
    assert!(
        line.ends_with("this run was made with other data; remove it, or choose another --out")
    );
    let shown = work.succeed(&["data", "show", "own"]).out;
    assert!(shown.contains("training classes: no 3, yes 1") && shown.contains("\n  b "), "{shown}");
    assert!(work.succeed(&["data", "verify", "own"]).out.contains("own: verified"));
    // A file that changed is found out, and one that was cut off.
    let kept = work.path(".data/noisescope/own.safetensors");
    let mut bytes = std::fs::read(&kept).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&kept, &bytes).unwrap();
    let line = work.fail(2, &["data", "show", "own"]);
    assert!(line.ends_with("damaged: not the samples that its card describes"), "{line}");
    std::fs::write(&kept, &bytes[..300]).unwrap();
    let line = work.fail(2, &["data", "show", "own"]);
    assert_eq!(line, "own: imported, but its file is damaged: import it again");
    for (content, reason) in [
        ("a,q\n1,\"x\n3,3\n", "a label of several lines"),
        ("a,q\n1,0.5\n2,0.25\n", "labels that are real numbers, and not whole numbers or names"),
        ("a,q\n1,x\n2,x\n", "labels of a single class, x"),
    ] {
        work.write("q.csv", content);
        let line = work.fail(2, &["data", "import", "q.csv", "--name", "q", "--label", "q"]);
        assert!(line.ends_with(reason), "{line}");
    }
    work.write("gaps.csv", "a,answer\n1,yes\n,no\n");
    let line = work.fail(2, &["data", "import", "gaps.csv", "--name", "gaps", "--label", "answer"]);
    assert!(line.starts_with("gaps.csv: line 3"), "{line}");
    let line = work.fail(2, &["data", "import", "own.csv", "--name", "mnist", "--label", "answer"]);
    assert_eq!(
        line,
        "import.name = \"mnist\": permitted is a name that no data set of this program has"
    );
    let line = work.fail(2, &["data", "import", "own.csv", "--name", "../x", "--label", "answer"]);
    assert!(line.contains("permitted is 1 to 100 letters, digits"), "{line}");
}

/// Seconds since 1970 that tell the classes apart.
#[test]
fn times_are_standardised_before_they_are_rounded() {
    let work = WorkDir::new();
    let row = |i: u32| format!("{},{}\n", 1_700_000_000 + i, i / 50);
    work.write("clock.csv", format!("t,y\n{}", (0..100).map(row).collect::<String>()));
    work.succeed(&["data", "import", "clock.csv", "--name", "clock", "--label", "y"]);
    let shown = work.succeed(&["data", "show", "clock"]).out;
    let t = shown.lines().find(|line| line.starts_with("  t ")).unwrap();
    assert!(t.ends_with(" 100") && t.contains(" 28.87 "), "{shown}");
    assert!(work.succeed(&["data", "verify", "clock"]).out.contains("clock: verified"));
    work.write("x.toml", EXPERIMENT.replace("NAME", "clock").replace("= 2 }", "= 60 }"));
    work.succeed(&["train", "x.toml"]);
    let run = work.only_run("runs");
    let steps = std::fs::read_to_string(run.join("steps.csv")).unwrap();
    let lines: Vec<Vec<&str>> = steps.lines().map(|line| line.split(',').collect()).collect();
    let accuracy = lines[0].iter().position(|name| *name == "accuracy").unwrap();
    assert_eq!(lines.last().unwrap()[accuracy].parse::<f64>().unwrap(), 1., "{steps}");
    let line = work.fail(2, &["train", "x.toml", "--set", "data.standardise=false"]);
    assert!(line.ends_with("so close together for its size: column `t`"), "{line}");
    let row = |i: u64| format!("{},{}\n", (1u64 << 53) + i, i / 30);
    work.write("id.csv", format!("id,y\n{}", (0..60).map(row).collect::<String>()));
    let line = work.fail(2, &["data", "import", "id.csv", "--name", "id", "--label", "y"]);
    assert!(line.starts_with("id.csv: column `id`: values so close together"), "{line}");
}

/// What pandas writes: an index without a name, which is no feature.
#[test]
fn what_is_assumed_about_a_table_is_said() {
    let work = WorkDir::new();
    let row =
        |i: u32| format!("{i},{},{}\n", f64::from(i * i % 13) / 7., ["no", "yes"][i as usize % 2]);
    work.write("index.csv", format!(",a,y\n{}", (0..20).map(row).collect::<String>()));
    let said = work.succeed(&["data", "import", "index.csv", "--name", "t", "--label", "y"]);
    assert!(said.out.starts_with("t: 20 + 0 samples of 1 features, 2 classes"), "{}", said.out);
    assert_eq!(said.err, "left out as an index of the rows: `column 1`\n");
    let row = |i: u32| format!("{i};{i},5;{}\n", i % 2);
    work.write("bare.csv", (3..23).map(row).collect::<String>());
    let import = ["data", "import", "bare.csv", "--name", "t", "--label", "3"];
    let said = work.succeed(&import);
    assert!(said.out.starts_with("t: 20 + 0 samples of 2 features, 2 classes"), "{}", said.out);
    assert_eq!(said.err.lines().count(), 3, "semicolons, decimal commas, a row: {}", said.err);
}

#[test]
fn an_imported_folder_of_images_has_its_shape() {
    let work = WorkDir::new();
    for (name, grey) in [("cat/1.png", 10), ("cat/2.png", 20), ("dog/1.png", 200)] {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 20, 18);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&[grey; 360]).unwrap();
        std::fs::create_dir_all(work.path("pets").join(name).parent().unwrap()).unwrap();
        work.write(&format!("pets/{name}"), file);
    }
    // What JupyterLab leaves behind is no class.
    std::fs::create_dir(work.path("pets/.ipynb_checkpoints")).unwrap();
    let image = std::fs::read(work.path("pets/cat/1.png")).unwrap();
    work.write("pets/.ipynb_checkpoints/1-checkpoint.png", image);
    work.write("pets/dog/2.jpeg", "");
    let line = work.fail(2, &["data", "import", "pets", "--name", "pets"]);
    assert_eq!(line, "pets/dog/2.jpeg: an image that is no PNG: convert it");
    std::fs::remove_file(work.path("pets/dog/2.jpeg")).unwrap();
    let said = work.succeed(&["data", "import", "pets", "--test", "pets", "--name", "pets"]);
    assert!(said.out.starts_with("pets: 3 + 3 samples of 360 features, 2 classes"), "{}", said.out);
    let out = work.succeed(&["data", "show", "pets"]).out;
    assert!(out.contains("contact sheet"), "{out}");
    work.write(
        "x.toml",
        EXPERIMENT.replace("NAME", "pets").replace("\"mlp\", hidden = [4]", "\"zhu\""),
    );
    work.succeed(&["train", "x.toml", "--set", "training.batch_size=2"]);
}

/// `numpy.quantile([1, 2, 3, 10], [0.25, 0.5, 0.75])`.
#[test]
fn show_has_the_quartiles_of_numpy() {
    let work = WorkDir::new();
    work.write("four.csv", "size,answer\n10,b\n1,a\n3,b\n2,a\n");
    work.succeed(&["data", "import", "four.csv", "--name", "four", "--label", "answer"]);
    let out = work.succeed(&["data", "show", "four"]).out;
    let line = out.lines().find(|line| line.trim_start().starts_with("size")).unwrap();
    let cells: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(cells[3..8], ["1.000", "1.750", "2.500", "4.750", "10.00"], "{out}");
}
