use serde_json::{Value, json};
use train::{Column, Table};

use super::*;
use crate::plot::{figures, test_tables};

fn report(tables: &RunTables, manifest: &Value) -> String {
    let figures = figures(tables).unwrap();
    let experiment_toml = "name = \"<script>&\"\n";
    html(&ReportInput { name: "a <b> & c", manifest, experiment_toml, tables, figures: &figures })
        .unwrap()
}

/// Every tag that is opened is closed, in order.
pub fn assert_balanced(markup: &str) {
    const VOID: [&str; 2] = ["meta", "!DOCTYPE"];
    let mut open: Vec<&str> = Vec::new();
    for tag in markup.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap_or_else(|| panic!("unclosed tag: <{tag}"));
        let name = tag.split([' ', '\n', '/']).next().unwrap_or_default();
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "</{closed}> closes another tag");
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
}

fn finished() -> Value {
    json!({ "status": "finished", "seed": 1 })
}

#[test]
fn a_full_run_has_every_chapter_and_figure() {
    let page = report(&test_tables::full(), &finished());
    for id in ["minimum", "noise", "escape", "ablation", "provenance"] {
        assert!(page.contains(&format!("<section id=\"{id}\"")), "{id}");
    }
    assert_eq!(page.matches("<svg").count(), 12);
    assert_eq!(page.matches("<figcaption>").count(), 12);
    assert_balanced(&page);
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let page = report(&test_tables::full(), &finished());
    for foreign in ["<script", "<link", "<img", "src=", "url(", "@import"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn no_colour_of_a_figure_is_fixed() {
    let page = report(&test_tables::full(), &finished());
    for fixed in ["fill=\"#", "stroke=\"#"] {
        assert!(!page.contains(fixed), "{fixed}");
    }
}

#[test]
fn equal_tables_give_equal_pages() {
    let page = || report(&test_tables::full(), &finished());
    assert!(page() == page());
}

#[test]
fn everything_from_outside_is_escaped() {
    let hostile = "<script>alert(1)</script>&\"'";
    let manifest = json!({
        "status": "failed",
        "message": hostile,
        "name": hostile,
        "point": hostile,
        "data": [{ "name": hostile, "citation": hostile, "licence": hostile }],
        "stages": [{ "name": hostile, "seconds": 1.0 }],
    });
    let mut tables = test_tables::full();
    for table in test_tables::all_mut(&mut tables) {
        let renamed = table.columns().iter().fold(Table::new(), |renamed, (name, column)| {
            let column = match column {
                // Of verdicts only those that there are get so far.
                Column::Text(texts) if name != "verdict" => {
                    Column::Text(vec![hostile.to_owned(); texts.len()])
                }
                other => other.clone(),
            };
            renamed.with(name, column)
        });
        *table = renamed;
    }
    let page = report(&tables, &manifest);
    assert!(!page.contains("<script"));
    assert!(page.contains("a &lt;b&gt; &amp; c"));
    assert_balanced(&page);
}

#[test]
fn hard_tables_still_make_a_page() {
    for tables in test_tables::hard() {
        let page = report(&tables, &Value::Null);
        assert!(!page.contains("NaN") && !page.contains("inf\""), "an undefined number is shown");
        assert_balanced(&page);
    }
}

#[test]
fn a_run_without_tables_says_so() {
    let page = report(&RunTables::default(), &json!({ "status": "running" }));
    assert!(page.contains("no results to conclude from"));
    assert!(page.contains("This run is not finished (status: running)"));
    assert_balanced(&page);
}
