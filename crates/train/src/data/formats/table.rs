//! What every reader of tables gives back, and how the values of a label column become classes.

use std::collections::HashMap;

/// A table of numbers with one label per row, as read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LabelledTable {
    /// `[n_rows × n_features]`, row-major; all finite in `f32`.
    pub features: Vec<f64>,
    /// Features per row, at least one.
    pub n_features: usize,
    /// Names of the feature columns; empty where the format has none.
    pub columns: Vec<String>,
    /// One label per row.
    pub labels: Vec<u32>,
    /// Names of the classes, by label.
    pub classes: Vec<String>,
    /// What was assumed about the file and what of it was left out, each in a sentence without its end.
    pub notes: Vec<String>,
}

/// A number that is finite in `f32` too.
pub(crate) fn in_f32(value: f64) -> Option<f64> {
    Some(value).filter(|value| (*value as f32).is_finite())
}

/// What is said of columns that merely count the rows; nothing where there are none.
pub(crate) fn index_left_out(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| format!("left out as an index of the rows: {}", some_of(names)))
}

/// Collects the values of a label column, as texts.
///
/// Classes that are known keep their order. Others are sorted: by value if all are numbers (then `1` and `1.0` are
/// the same class, named `1`), else in the order of code points.
pub(crate) struct Labels {
    classes: Vec<String>,
    indices: HashMap<String, u32>,
    labels: Vec<u32>,
    are_known: bool,
}

impl Labels {
    pub(crate) fn new(known: Option<&[String]>) -> Self {
        let classes = known.unwrap_or_default().to_vec();
        let indices = (0..).zip(&classes).map(|(label, class)| (normal(class), label)).collect();
        Self { classes, indices, labels: Vec::new(), are_known: known.is_some() }
    }

    /// The label of the next row.
    pub(crate) fn push(&mut self, class: &str) -> Result<(), String> {
        let label = if self.are_known {
            let label = self.indices.get(class).or_else(|| self.indices.get(&normal(class)));
            *label.ok_or_else(|| {
                format!("unknown class {}; known are {}", quoted(class), some_of(&self.classes))
            })?
        } else if let Some(label) = self.indices.get(class) {
            *label
        } else {
            let label = self.classes.len() as u32;
            self.classes.push(class.to_owned());
            self.indices.insert(class.to_owned(), label);
            label
        };
        self.labels.push(label);
        Ok(())
    }

    /// The label of each row, and the names of the classes.
    pub(crate) fn finish(mut self) -> (Vec<u32>, Vec<String>) {
        if self.are_known {
            return (self.labels, self.classes);
        }
        let values: Option<Vec<f64>> = self.classes.iter().map(|class| number(class)).collect();
        let mut order: Vec<usize> = (0..self.classes.len()).collect();
        match &values {
            Some(values) => order.sort_by(|&a, &b| values[a].total_cmp(&values[b])),
            None => order.sort_by(|&a, &b| self.classes[a].cmp(&self.classes[b])),
        }
        let mut sorted: Vec<String> = Vec::new();
        let mut renumbered = vec![0; order.len()];
        for found in order {
            let name = match &values {
                Some(values) => values[found].to_string(),
                None => std::mem::take(&mut self.classes[found]),
            };
            if sorted.last() != Some(&name) {
                sorted.push(name);
            }
            renumbered[found] = sorted.len() as u32 - 1;
        }
        (self.labels.iter().map(|&label| renumbered[label as usize]).collect(), sorted)
    }
}

/// The value of a finite number; zero has no sign.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite()).map(|value| value + 0.)
}

fn normal(class: &str) -> String {
    number(class).map_or_else(|| class.to_owned(), |value| value.to_string())
}

/// A piece of a file for a message: on one line, and short.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 40;
    let shown: String = text.chars().take(SHOWN).collect();
    let rest = if shown.len() < text.len() { "…" } else { "" };
    format!("`{}{rest}`", shown.escape_debug())
}

/// The first of some names: messages stay one readable line however many there are.
pub(crate) fn some_of<T: AsRef<str>>(names: &[T]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| quoted(name.as_ref())).collect();
    let rest = if names.len() > SHOWN { ", …" } else { "" };
    if names.is_empty() { "none".to_owned() } else { shown.join(", ") + rest }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A file of the published data in the folder that `NOISESCOPE_TEST_DATA` names; see the README of the tests.
    pub(crate) fn published(path: &str) -> Vec<u8> {
        let folder = std::env::var("NOISESCOPE_TEST_DATA").expect("NOISESCOPE_TEST_DATA is set");
        let path = std::path::Path::new(&folder).join(path);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn labels(known: Option<&[&str]>, rows: &[&str]) -> Result<(Vec<u32>, Vec<String>), String> {
        let known: Option<Vec<String>> = known.map(strings);
        let mut labels = Labels::new(known.as_deref());
        rows.iter().try_for_each(|row| labels.push(row))?;
        Ok(labels.finish())
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn numbers_are_sorted_by_value_and_texts_by_code_point() {
        let (found, classes) = labels(None, &["10", "9", "-1", "9.0", "-0", "0"]).unwrap();
        assert_eq!((found, classes), (vec![3, 2, 0, 2, 1, 1], strings(&["-1", "0", "9", "10"])));
        let (found, classes) = labels(None, &["b", "10", "a", "9"]).unwrap();
        assert_eq!((found, classes), (vec![3, 0, 2, 1], strings(&["10", "9", "a", "b"])));
    }

    #[test]
    fn known_classes_keep_their_order() {
        let (found, classes) = labels(Some(&["g", "b"]), &["b", "g", "b"]).unwrap();
        assert_eq!((found, classes), (vec![1, 0, 1], strings(&["g", "b"])));
        assert_eq!(labels(Some(&["1", "0"]), &["0.0", "1"]).unwrap().0, [1, 0]);
        let message = labels(Some(&["g", "b"]), &["h"]).unwrap_err();
        assert_eq!(message, "unknown class `h`; known are `g`, `b`");
    }
}
