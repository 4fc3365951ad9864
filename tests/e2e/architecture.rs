//! The arrows between crates: two foundations, two instruments on both, one shell.

use std::collections::BTreeSet;
use std::path::Path;

const CRATES: [&str; 5] = ["stats", "train", "probe", "escape", "cli"];

fn permitted(name: &str) -> &'static [&'static str] {
    match name {
        "stats" | "train" => &[],
        "probe" | "escape" => &["stats", "train"],
        _ => &["stats", "train", "probe", "escape"],
    }
}

#[test]
fn crates_depend_only_downwards() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for name in CRATES {
        let path = root.join(name).join("Cargo.toml");
        let manifest: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(section).and_then(|section| section.as_table())
            else {
                continue;
            };
            let house: BTreeSet<&str> = dependencies
                .keys()
                .map(String::as_str)
                .filter(|key| CRATES.contains(key))
                .collect();
            for dependency in house {
                assert!(
                    permitted(name).contains(&dependency),
                    "{name} must not depend on {dependency}: see the arrows in crates/README.md"
                );
            }
        }
    }
}

#[test]
fn every_crate_is_on_the_map() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let map = std::fs::read_to_string(crates.join("README.md")).unwrap();
    for entry in std::fs::read_dir(&crates).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(CRATES.contains(&name.as_str()), "{name} is not in the list of this test");
            assert!(map.contains(&format!("`{name}`")), "{name} is missing in crates/README.md");
        }
    }
}
