//! Help in two lengths with an example for each subcommand; completions.

use crate::workdir::WorkDir;

const SUBCOMMANDS: [&[&str]; 12] = [
    &["run"],
    &["train"],
    &["probe"],
    &["escape"],
    &["fit"],
    &["stable"],
    &["report"],
    &["show"],
    &["data"],
    &["data", "list"],
    &["data", "verify"],
    &["completions"],
];

#[test]
fn every_subcommand_has_short_and_long_help_with_an_example() {
    let work = WorkDir::new();
    for subcommand in SUBCOMMANDS {
        let short = work.succeed(&[subcommand, &["-h"]].concat()).out;
        let long = work.succeed(&[subcommand, &["--help"]].concat()).out;
        let example = format!("Example: noisescope {}", subcommand.join(" "));
        for text in [&short, &long] {
            assert!(text.contains(&example), "{subcommand:?}\n{text}");
            assert!(text.contains("Usage: noisescope"), "{subcommand:?}\n{text}");
        }
    }
    let told = "One seed gives the same tables, byte for byte";
    assert!(work.succeed(&["run", "--help"]).out.contains(told));
    assert!(!work.succeed(&["run", "-h"]).out.contains(told));
}

#[test]
fn the_top_level_lists_every_subcommand() {
    let help = WorkDir::new().succeed(&["--help"]).out;
    for subcommand in SUBCOMMANDS {
        assert!(help.contains(&format!("\n  {} ", subcommand[0])), "{subcommand:?}\n{help}");
    }
}

#[test]
fn completions_know_the_subcommands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = WorkDir::new().succeed(&["completions", shell]).out;
        assert!(script.contains("escape") && script.contains("seed"), "{shell}");
    }
}
