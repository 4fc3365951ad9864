//! Columns of CSV files.

use std::path::Path;

use super::{Problem, RawColumn, text};

/// A column is numeric when each of its cells is a number. The first line is a header unless all its cells are numbers.
pub(super) fn read(path: &Path) -> Result<Vec<RawColumn>, String> {
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).trim(csv::Trim::All).from_path(path);
    let mut records = reader.map_err(text)?.into_records();
    let first = records.next().ok_or("the file is empty")?.map_err(text)?;
    let has_header = !first.iter().all(|cell| cell.parse::<f64>().is_ok());
    let name = |(idx, cell): (usize, &str)| match has_header {
        true => cell.to_owned(),
        false => (idx + 1).to_string(),
    };
    let names: Vec<String> = first.iter().enumerate().map(name).collect();
    let mut columns: Vec<(Vec<f64>, Option<String>)> = vec![(Vec::new(), None); names.len()];
    let rows = (!has_header).then_some(Ok(first)).into_iter().chain(records);
    for record in rows {
        let record = record.map_err(text)?;
        let line = record.position().map_or(1, csv::Position::line);
        for (cell, (values, problem)) in record.iter().zip(&mut columns) {
            let reason = match cell.parse::<f64>() {
                Ok(value) => {
                    values.push(value);
                    (!value.is_finite()).then(|| format!("line {line}: {value} is not finite"))
                }
                Err(_) => Some(format!("line {line}: `{cell}` is not a number")),
            };
            *problem = problem.take().or(reason);
        }
    }
    let columns = names.into_iter().zip(columns);
    Ok(columns
        .map(|(name, (values, problem))| RawColumn { name, values: judge(values, problem) })
        .collect())
}

/// Text without any number may be left out; a cell that is missing among numbers may not.
fn judge(values: Vec<f64>, problem: Option<String>) -> Result<Vec<f64>, Problem> {
    match problem {
        None => Ok(values),
        Some(reason) if values.is_empty() => Err(Problem::NotNumbers(reason)),
        Some(reason) => Err(Problem::Broken(reason)),
    }
}

#[cfg(test)]
mod tests {
    use crate::columns::tests::column;
    use crate::columns::{Column, read};

    fn csv(content: &str, wanted: &[&str]) -> Result<Vec<Column>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        std::fs::write(&path, content).unwrap();
        let wanted: Vec<String> = wanted.iter().map(|name| name.to_string()).collect();
        read(&path, &wanted)
            .map(|(columns, _)| columns)
            .map_err(|failure| failure.to_string().split_once("x.csv: ").unwrap().1.to_owned())
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
        assert!(csv("a,b\n1\n", &[]).unwrap_err().contains("line: 2"));
        assert_eq!(csv("a,b\n1,2\nNaN,3\n", &["b"]).unwrap(), [column("b", &[2., 3.])]);
        let gap = csv("a,b\n1,2\n,3\n", &[]).unwrap_err();
        assert_eq!(gap, "column `a`, line 3: `` is not a number");
        assert!(csv("a\nNA\n3\n", &[]).unwrap_err().contains("line 2: `NA` is not a number"));
        assert_eq!(csv("", &[]).unwrap_err(), "the file is empty");
        assert_eq!(csv("kind\nx\n", &[]).unwrap_err(), "no numeric column");
    }
}
