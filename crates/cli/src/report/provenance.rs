//! Where the numbers come from and how to get them again.

use serde_json::Value;

use super::markup::{Cell, Column, details, table};
use super::{ReportInput, Section};
use crate::plot::canvas::escape;
use crate::plot::number::significant;

/// What the manifest says of the run, in the order in which it is shown.
const FACTS: [(&str, &str); 11] = [
    ("name", "Experiment"),
    ("point", "Point"),
    ("status", "Status"),
    ("seed", "Seed"),
    ("noisescope", "Noisescope version"),
    ("git_revision", "Git revision"),
    ("hash", "Hash of the configuration"),
    ("device", "Device"),
    ("threads", "Threads"),
    ("started", "Started"),
    ("elapsed_seconds", "Elapsed"),
];

/// One line under the title.
pub(super) fn byline(manifest: &Value) -> String {
    let parts: Vec<String> = [
        text(manifest, "point").filter(|point| point != "base"),
        text(manifest, "noisescope").map(|version| format!("Noisescope {version}")),
        text(manifest, "device").map(|device| format!("on {device}")),
        text(manifest, "started").map(|time| time.replacen('T', " ", 1).replace('Z', " UTC")),
        text(manifest, "elapsed_seconds").map(|_| elapsed(&manifest["elapsed_seconds"])),
    ]
    .into_iter()
    .flatten()
    .filter(|part| !part.is_empty())
    .map(|part| format!("<span>{}</span>", escape(&part)))
    .collect();
    if parts.is_empty() {
        return String::new();
    }
    format!("<p class=\"byline\">{}</p>\n", parts.join(" "))
}

/// A warning above everything else when the run did not finish.
pub(super) fn banner(manifest: &Value) -> String {
    let status = text(manifest, "status").unwrap_or_else(|| "unknown".to_owned());
    if status == "finished" {
        return String::new();
    }
    let message = text(manifest, "message").map(|message| format!(" {}", escape(&message)));
    format!(
        "<p class=\"banner\" role=\"status\"><strong>This run is not finished (status: {}).</strong> \
         What follows covers only the stages that are.{}</p>\n",
        escape(&status),
        message.unwrap_or_default()
    )
}

pub(super) fn section(input: &ReportInput) -> Section {
    let manifest = input.manifest;
    let facts: Vec<Vec<Cell>> = FACTS
        .iter()
        .filter_map(|(key, name)| {
            let value = match *key {
                "elapsed_seconds" if !manifest[*key].is_null() => elapsed(&manifest[*key]),
                _ => text(manifest, key)?,
            };
            Some(vec![Cell::Plain((*name).to_owned()), Cell::Plain(value)])
        })
        .collect();
    let mut body = String::new();
    if !facts.is_empty() {
        body += &table("The run", &[Column::Text("Fact"), Column::Text("Value")], &facts);
    }
    body += &stages(manifest);
    body += &data(manifest);
    body += "<h3>Replay</h3>\n<p>From the directory of this run:</p>\n\
             <pre><code>noisescope run experiment.toml</code></pre>\n";
    let toml = format!("<pre><code>{}</code></pre>\n", escape(input.experiment_toml));
    body += &details("experiment.toml, resolved", &toml);
    Section { id: "provenance", title: "Provenance", body }
}

fn stages(manifest: &Value) -> String {
    let rows = rows(manifest, "stages", |stage| {
        let duration = text(stage, "seconds").map(|_| elapsed(&stage["seconds"]));
        vec![
            Cell::Plain(text(stage, "name").unwrap_or_default()),
            Cell::Plain(duration.unwrap_or_else(|| "–".to_owned())),
        ]
    });
    let columns = [Column::Text("Stage"), Column::Number("Duration".to_owned())];
    if rows.is_empty() { String::new() } else { table("Finished stages", &columns, &rows) }
}

fn data(manifest: &Value) -> String {
    let rows = rows(manifest, "data", |data| {
        let keys = ["name", "licence", "citation", "sha256"];
        keys.iter().map(|key| Cell::Plain(text(data, key).unwrap_or_default())).collect()
    });
    let columns = ["Data set", "Licence", "Citation", "SHA-256"].map(Column::Text);
    if rows.is_empty() { String::new() } else { table("Data", &columns, &rows) }
}

fn rows(manifest: &Value, key: &str, row: impl Fn(&Value) -> Vec<Cell>) -> Vec<Vec<Cell>> {
    manifest[key].as_array().into_iter().flatten().map(row).collect()
}

/// A value as plain text, if it has one.
fn text(value: &Value, key: &str) -> Option<String> {
    match &value[key] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn elapsed(seconds: &Value) -> String {
    let Some(seconds) = seconds.as_f64() else { return "–".to_owned() };
    match seconds {
        ..60.0 => format!("{} s", significant(seconds, 2)),
        ..3600.0 => format!("{} min {} s", (seconds / 60.0) as u64, (seconds % 60.0) as u64),
        _ => format!("{} h {} min", (seconds / 3600.0) as u64, (seconds / 60.0) as u64 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_at_a_glance() {
        let shown = [0.32, 12.3, 73.2, 7265.0].map(|s| elapsed(&Value::from(s)));
        assert_eq!(shown, ["0.32 s", "12 s", "1 min 13 s", "2 h 1 min"]);
        assert_eq!(elapsed(&Value::Null), "–");
    }

    #[test]
    fn only_an_unfinished_run_has_a_banner() {
        let manifest = |status: &str| serde_json::json!({ "status": status, "message": "<disk>" });
        assert_eq!(banner(&manifest("finished")), "");
        let failed = banner(&manifest("failed"));
        assert!(failed.contains("status: failed") && failed.contains("&lt;disk&gt;"), "{failed}");
        assert!(banner(&Value::Null).contains("unknown"));
    }
}
