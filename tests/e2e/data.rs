//! `data list` and `data verify`.

use crate::workdir::WorkDir;

#[test]
fn list_names_every_embedded_set_with_its_licence() {
    let out = WorkDir::new().succeed(&["data", "list"]).out;
    assert!(out.contains("ionosphere") && out.contains("CC BY 4.0"), "{out}");
    assert!(out.contains("fashion-mnist-6k") && out.contains("MIT"), "{out}");
}

#[test]
fn verify_computes_the_figures_of_the_card() {
    let out = WorkDir::new().succeed(&["data", "verify"]).out;
    assert!(out.contains("ionosphere: verified"), "{out}");
    assert!(out.contains("351 + 0 samples of 34 features; mean 0.247697"), "{out}");
    assert!(out.contains("training classes: b 126, g 225"), "{out}");
    assert!(out.contains("5000 + 1000 samples of 784 features; mean 0.287346"), "{out}");
}

#[test]
fn verify_refuses_a_damaged_copy_by_name() {
    let work = WorkDir::new();
    work.write("ionosphere.data", "1,2,g\n");
    let line = work.fail(2, &["data", "verify", "ionosphere", "--directory", "."]);
    assert!(line.starts_with("./ionosphere.data: 6 bytes with sha256 "), "{line}");
    assert!(line.contains("the card of ionosphere says 76467 bytes"), "{line}");
    let line = work.fail(2, &["data", "verify", "ionosfere"]);
    assert_eq!(line, "ionosfere: unknown data set; known are ionosphere, fashion-mnist-6k");
}
