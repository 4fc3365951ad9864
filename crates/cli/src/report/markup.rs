//! Tables in HTML: one caption, numbers aligned, means and deviations around their ±.

use crate::plot::canvas::escape;
use crate::plot::number;

/// A column of a table.
pub enum Column {
    /// Words, set from the left.
    Text(&'static str),
    /// Numbers, set from the right.
    Number(String),
    /// Means and deviations, aligned at the ±.
    Spread(String),
}

/// The content of a cell, not yet escaped.
pub enum Cell {
    /// Words or a formatted number.
    Plain(String),
    /// A mean and a deviation; an empty deviation shows the mean alone.
    Spread(String, String),
}

impl Cell {
    /// A mean with its standard deviation, if it has one.
    pub fn spread(mean: f64, deviation: f64) -> Self {
        let (mean, text) = number::mean_and_deviation(mean, deviation);
        Self::Spread(mean, if deviation.is_nan() { String::new() } else { text })
    }
}

/// A table; the first cell of each row is its heading.
pub fn table(caption: &str, columns: &[Column], rows: &[Vec<Cell>]) -> String {
    let mut html = format!(
        "<div class=\"scroll\" role=\"group\" aria-label=\"{0}\" tabindex=\"0\">\n\
         <table{1}>\n<caption>{0}</caption>\n<thead>\n<tr>",
        escape(caption),
        // A list of facts reads better when its columns stand close together.
        if columns.len() == 2 { " class=\"facts\"" } else { "" }
    );
    for column in columns {
        html += &match column {
            Column::Text(name) => format!("<th scope=\"col\">{}</th>", escape(name)),
            Column::Number(name) => {
                format!("<th scope=\"col\" class=\"number\">{}</th>", escape(name))
            }
            Column::Spread(name) => {
                format!(
                    "<th scope=\"colgroup\" colspan=\"2\" class=\"spread\">{}</th>",
                    escape(name)
                )
            }
        };
    }
    html += "</tr>\n</thead>\n<tbody>\n";
    for row in rows {
        html += "<tr>";
        for (idx, (column, cell)) in columns.iter().zip(row).enumerate() {
            html += &markup(column, cell, idx == 0);
        }
        html += "</tr>\n";
    }
    html + "</tbody>\n</table>\n</div>\n"
}

fn markup(column: &Column, cell: &Cell, is_heading: bool) -> String {
    match (column, cell) {
        (Column::Spread(_), Cell::Spread(mean, deviation)) => {
            let deviation = if deviation.is_empty() {
                String::new()
            } else {
                format!("± {}", escape(deviation))
            };
            format!(
                "<td class=\"mean\">{}</td><td class=\"deviation\">{deviation}</td>",
                escape(mean)
            )
        }
        (Column::Spread(_), Cell::Plain(text)) => {
            format!("<td class=\"mean\">{}</td><td class=\"deviation\"></td>", escape(text))
        }
        (_, Cell::Plain(text) | Cell::Spread(text, _)) => {
            let class = if matches!(column, Column::Number(_)) { " class=\"number\"" } else { "" };
            if is_heading {
                format!("<th scope=\"row\"{class}>{}</th>", escape(text))
            } else {
                format!("<td{class}>{}</td>", escape(text))
            }
        }
    }
}

/// Numbers of one column with the same number of decimals, so that their points stand in line.
///
/// The smallest keeps so many significant digits; numbers too far apart for that are written one by one.
pub fn aligned(values: &[f64], digits: usize) -> Vec<String> {
    let sizes = || values.iter().filter(|v| v.is_finite() && **v != 0.0).map(|v| v.abs());
    let smallest = sizes().fold(f64::INFINITY, f64::min);
    let largest = sizes().fold(0.0, f64::max);
    if smallest < 1e-4 || largest >= 1e7 || smallest > largest {
        return values.iter().map(|value| number::significant(*value, digits)).collect();
    }
    let decimals = (digits as i32 - 1 - smallest.log10().floor() as i32).clamp(0, 6) as usize;
    values.iter().map(|value| number::fixed(*value, decimals)).collect()
}

/// The value that all rows share, if they do.
pub fn shared<T: PartialEq + Copy>(values: &[T]) -> Option<T> {
    let first = *values.first()?;
    values.iter().all(|value| *value == first).then_some(first)
}

/// What is shown when it is asked for; `content` is HTML.
pub fn details(summary: &str, content: &str) -> String {
    format!("<details>\n<summary>{}</summary>\n{content}</details>\n", escape(summary))
}

/// A list of sentences, or nothing.
pub fn list(sentences: &[String]) -> String {
    let items: String = sentences.iter().map(|s| format!("<li>{}</li>\n", escape(s))).collect();
    if items.is_empty() { items } else { format!("<ul class=\"sentences\">\n{items}</ul>\n") }
}

/// A term with its definition, both in HTML.
pub type Definition = (&'static str, &'static str);

/// A list of terms.
pub fn definitions(terms: impl IntoIterator<Item = Definition>) -> String {
    let entries: String = terms
        .into_iter()
        .map(|(term, meaning)| format!("<dt>{term}</dt>\n<dd>{meaning}</dd>\n"))
        .collect();
    format!("<dl class=\"definitions\">\n{entries}</dl>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_column_share_their_decimals() {
        assert_eq!(aligned(&[0.05, 0.1, 12.0], 1), ["0.05", "0.10", "12.00"]);
        assert_eq!(aligned(&[140.2, 61000.4], 3), ["140", "61\u{202F}000"]);
        assert_eq!(aligned(&[1e-9, 1.0], 2), ["1.0×10⁻⁹", "1.0"]);
        assert_eq!(aligned(&[f64::NAN, f64::INFINITY, 0.0], 2), ["–", "∞", "0"]);
        assert_eq!(aligned(&[], 2), [""; 0]);
    }

    #[test]
    fn a_table_escapes_its_words_and_aligns_its_numbers() {
        let columns = [Column::Text("a<b"), Column::Number("n".into()), Column::Spread("m".into())];
        let rows =
            [vec![Cell::Plain("<i>".into()), Cell::Plain("3".into()), Cell::spread(1.25, 0.125)]];
        let html = table("x & y", &columns, &rows);
        assert!(html.contains("<caption>x &amp; y</caption>"), "{html}");
        assert!(html.contains("<th scope=\"col\">a&lt;b</th>"), "{html}");
        assert!(
            html.contains("<th scope=\"row\">&lt;i&gt;</th><td class=\"number\">3</td>"),
            "{html}"
        );
        assert!(
            html.contains("<td class=\"mean\">1.25</td><td class=\"deviation\">± 0.12</td>"),
            "{html}"
        );
    }
}
