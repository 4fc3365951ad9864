//! Columns of CSV files.

use std::path::Path;

use super::{Content, Heading, Problem, Source, text};

/// The columns of a file, read whole.
struct Lines {
    /// The line of every row, from 1.
    lines: Vec<u64>,
    columns: Vec<Cells>,
}

/// One column; `problem` is its first cell that is not a number.
#[derive(Clone, Default)]
struct Cells {
    values: Vec<f64>,
    problem: Option<String>,
}

/// A column is numeric when its cells are numbers. The first line is a header unless all its cells are numbers.
///
/// Text without any number may be left out; a cell that is missing among numbers may not.
pub(super) fn open(path: &Path) -> Result<Content, String> {
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).trim(csv::Trim::All).from_path(path);
    let mut records = reader.map_err(text)?.into_records();
    let first = records.next().ok_or("the file is empty")?.map_err(ragged)?;
    let has_header = !first.iter().all(|cell| cell.parse::<f64>().is_ok());
    let numbers = first.iter().filter(|cell| cell.parse::<f64>().is_ok_and(|v| v.fract() != 0.));
    if has_header && numbers.count() > 0 {
        return Err("line 1 holds names and numbers; a header has names, a row has numbers".into());
    }
    let name = |(idx, cell): (usize, &str)| match has_header {
        true => cell.to_owned(),
        false => (idx + 1).to_string(),
    };
    let names: Vec<String> = first.iter().enumerate().map(name).collect();
    if let [only] = &names[..]
        && only.contains([';', '\t'])
    {
        return Err("the cells are separated by something else than commas".into());
    }
    let mut columns = vec![Cells::default(); names.len()];
    let mut lines = Vec::new();
    let rows = (!has_header).then_some(Ok(first)).into_iter().chain(records);
    for record in rows {
        let record = record.map_err(ragged)?;
        let line = record.position().map_or(1, csv::Position::line);
        lines.push(line);
        for (cell, column) in record.iter().zip(&mut columns) {
            match cell.parse::<f64>() {
                Ok(value) => column.values.push(value),
                Err(_) if column.problem.is_none() => {
                    column.problem = Some(format!("line {line}: `{cell}` is not a number"));
                }
                Err(_) => {}
            }
        }
    }
    let headings = names.into_iter().zip(&columns).map(|(name, column)| Heading {
        name,
        n_values: column.values.len(),
        not_numbers: column.problem.clone().filter(|_| column.values.is_empty()),
    });
    Ok(Content { headings: headings.collect(), source: Box::new(Lines { lines, columns }) })
}

impl Source for Lines {
    fn read(&mut self, columns: &[usize]) -> Result<Vec<Vec<f64>>, Problem> {
        let take = |&column: &usize| {
            let Cells { values, problem } = std::mem::take(&mut self.columns[column]);
            problem.map_or(Ok(values), |reason| Err(Problem::of(column, reason)))
        };
        columns.iter().map(take).collect()
    }

    fn place(&self, row: usize) -> String {
        format!("line {}", self.lines[row])
    }
}

/// The message of the library, in our words where the lines differ in length.
fn ragged(error: csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(1, csv::Position::line);
            format!("line {line}: {len} cells where the first line has {expected_len}")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use crate::columns::Column;
    use crate::columns::tests::{column, read};

    fn csv(content: &str, wanted: &[&str]) -> Result<Vec<Column>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        std::fs::write(&path, content).unwrap();
        read(&path, wanted).map(|(columns, _)| columns)
    }

    #[test]
    fn csv_with_and_without_a_header() {
        let both = [column("a", &[1., 3.]), column("b", &[2., 4e-3])];
        assert_eq!(csv("a, b,kind\n1,2,x\n3,4e-3,y\n", &[]).unwrap(), both);
        assert_eq!(csv("a,b\n1,2\n3,4e-3\n", &["b"]).unwrap(), both[1..]);
        assert_eq!(csv("1\n3\n", &[]).unwrap(), [column("1", &[1., 3.])]);
    }

    #[test]
    fn csv_errors_name_line_and_column() {
        let kind = csv("a,kind\n1,x\n", &["kind"]).unwrap_err();
        assert_eq!(kind, "column `kind`, line 2: `x` is not a number");
        let nan = csv("a,b\n1,2\nNaN,3\n", &[]).unwrap_err();
        assert_eq!(nan, "column `a`, line 3: NaN is not finite");
        assert_eq!(csv("a,b\n1,2\n", &["c"]).unwrap_err(), "no column `c`; there are a, b");
        let ragged = csv("a,b\n1\n", &[]).unwrap_err();
        assert_eq!(ragged, "line 2: 1 cells where the first line has 2");
        assert!(csv("a;b\n1;2\n", &[]).unwrap_err().contains("something else than commas"));
        assert_eq!(csv("a,b\n1,2\nNaN,3\n", &["b"]).unwrap(), [column("b", &[2., 3.])]);
        let gap = csv("a,b\n1,2\n,3\n", &[]).unwrap_err();
        assert_eq!(gap, "column `a`, line 3: `` is not a number");
        assert!(csv("a\nNA\n3\n", &[]).unwrap_err().contains("line 2: `NA` is not a number"));
        assert_eq!(csv("", &[]).unwrap_err(), "the file is empty");
        assert_eq!(csv("kind\nx\n", &[]).unwrap_err(), "no numeric column");
    }
}
