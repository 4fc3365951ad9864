//! The self-contained HTML report of a run: its conclusions first, then figures and tables, then how to replay it.
//!
//! The page needs no script, no font and no network, follows the colour scheme of its reader, and prints.

use anyhow::Result;

use crate::plot::canvas::escape;
use crate::plot::style::{themed, variables};
use crate::plot::{Figure, RunTables};

mod ablation;
mod conclusions;
mod exits;
mod markup;
mod noise;
mod noise_closer;
mod provenance;
mod theories;
mod training;

/// What a report is written from.
pub struct ReportInput<'a> {
    /// Name of the experiment.
    pub name: &'a str,
    /// The manifest of the run, as far as it is written.
    pub manifest: &'a serde_json::Value,
    /// The resolved experiment.
    pub experiment_toml: &'a str,
    /// The tables of the run.
    pub tables: &'a RunTables,
    /// The figures of the run.
    pub figures: &'a [Figure],
}

/// A chapter of the page.
struct Section {
    id: &'static str,
    title: &'static str,
    body: String,
}

/// The report as one HTML page without scripts or external resources.
///
/// # Errors
/// When a table lacks a column that the report needs.
pub fn html(input: &ReportInput) -> Result<String> {
    let sections: Vec<Section> = [
        training::section(input)?,
        noise::section(input)?,
        exits::section(input)?,
        ablation::section(input)?,
        Some(provenance::section(input)),
    ]
    .into_iter()
    .flatten()
    .collect();

    let name = escape(input.name);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{name} – Noisescope</title>\n\
         <style>\n{}</style>\n</head>\n<body>\n",
        style_sheet()
    );
    page += &format!(
        "<header>\n<p class=\"eyebrow\">Noisescope report</p>\n<h1>{name}</h1>\n{}{}</header>\n",
        provenance::byline(input.manifest),
        provenance::banner(input.manifest),
    );
    page += "<main>\n";
    page += &conclusions::block(input.tables)?;
    page += &contents(&sections);
    for Section { id, title, body } in &sections {
        page += &format!(
            "<section id=\"{id}\" aria-labelledby=\"{id}-heading\">\n\
             <h2 id=\"{id}-heading\">{title}</h2>\n{body}</section>\n"
        );
    }
    page += "</main>\n</body>\n</html>\n";
    Ok(page)
}

fn style_sheet() -> String {
    let (light, dark) = variables();
    format!(
        ":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{}",
        include_str!("page.css")
    )
}

fn contents(sections: &[Section]) -> String {
    let entry = |section: &Section| format!("<a href=\"#{}\">{}</a>", section.id, section.title);
    let entries: Vec<String> = sections.iter().map(entry).collect();
    format!("<nav aria-label=\"Contents\">{}</nav>\n", entries.join("\n"))
}

impl ReportInput<'_> {
    /// A figure with its caption, or nothing when it was not drawn.
    fn figure(&self, file: &str) -> String {
        let Some(figure) = self.figures.iter().find(|figure| figure.file == file) else {
            return String::new();
        };
        let (title, caption) = (escape(&figure.title), escape(&figure.caption));
        format!(
            "<figure>\n<div class=\"sheet\" role=\"group\" aria-label=\"{title}\" tabindex=\"0\">\n\
             {}</div>\n<figcaption><strong>{title}.</strong> {caption}</figcaption>\n</figure>\n",
            themed(&figure.svg)
        )
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::assert_balanced;
