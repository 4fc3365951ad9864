//! Columns of tables in text.

use std::path::Path;

use train::data::{Header, TextTable};

use super::{Content, Heading, LeftOut, Problem, Source, text};

/// The columns of a file, read whole.
struct Lines {
    /// The line of every row, from 1.
    lines: Vec<usize>,
    columns: Vec<Cells>,
}

/// One column; `problem` is its first cell that is not a number.
#[derive(Clone, Default)]
struct Cells {
    values: Vec<f64>,
    problem: Option<String>,
}

/// A column is numeric when its cells are numbers.
///
/// Text without any number may be left out; a cell that is missing among numbers may not.
pub(super) fn open(
    path: &Path,
    delimiter: Option<u8>,
    header: Header,
    wanted: &[String],
) -> Result<Content, String> {
    let bytes = std::fs::read(path).map_err(text)?;
    let table = TextTable::open(&bytes, delimiter, header, wanted)?;
    let mut columns = vec![Cells::default(); table.columns().len()];
    let mut lines = Vec::new();
    table.each_row(|line, cells| {
        lines.push(line);
        for (cell, column) in cells.zip(&mut columns) {
            match table.number(cell) {
                Some(value) => column.values.push(value),
                None if column.problem.is_none() => {
                    column.problem = Some(format!("line {line}: `{cell}` is not a number"));
                }
                None => {}
            }
        }
        Ok(())
    })?;
    let headings = table.columns().iter().zip(&columns).map(|(column, cells)| Heading {
        name: column.name.clone(),
        n_values: cells.values.len(),
        left_out: match &cells.problem {
            _ if column.is_index => Some(LeftOut::Index),
            Some(problem) if cells.values.is_empty() => Some(LeftOut::NotNumbers(problem.clone())),
            _ => None,
        },
    });
    let (headings, assumptions) = (headings.collect(), table.assumptions().to_vec());
    Ok(Content { headings, source: Box::new(Lines { lines, columns }), assumptions })
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

#[cfg(test)]
mod tests {
    use train::data::Header;

    use crate::columns::Column;
    use crate::columns::tests::{column, read, read_with};

    fn with_notes(
        content: &str,
        wanted: &[&str],
        header: Header,
    ) -> Result<(Vec<Column>, Vec<String>), String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        std::fs::write(&path, content).unwrap();
        read_with(&path, wanted, header)
    }

    fn csv(content: &str, wanted: &[&str]) -> Result<Vec<Column>, String> {
        with_notes(content, wanted, Header::Auto).map(|(columns, _)| columns)
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
        let ragged = csv("a,b,c\n1\n", &[]).unwrap_err();
        assert_eq!(ragged, "line 2: 1 columns, line 1 has 3");
        assert_eq!(csv("a,b\n1,2\nNaN,3\n", &["b"]).unwrap(), [column("b", &[2., 3.])]);
        let gap = csv("a,b\n1,2\n,3\n", &[]).unwrap_err();
        assert_eq!(gap, "column `a`, line 3: `` is not a number");
        assert!(csv("a\nNA\n3\n", &[]).unwrap_err().contains("line 2: `NA` is not a number"));
        assert_eq!(csv("", &[]).unwrap_err(), "the file is empty");
        assert_eq!(csv("kind\nx\n", &[]).unwrap_err(), "no numeric column");
    }

    #[test]
    fn what_is_left_out_is_said_and_fitted_when_asked_for() {
        let content = ",a,kind\n0,0.5,x\n1,0.25,y\n";
        let (columns, notes) = with_notes(content, &[], Header::Auto).unwrap();
        assert_eq!(columns, [column("a", &[0.5, 0.25])]);
        assert_eq!(
            notes,
            [
                "left out, since they are not numbers: kind",
                "left out, an index of the rows: column 1"
            ]
        );
        assert_eq!(csv(content, &["column 1"]).unwrap(), [column("column 1", &[0., 1.])]);
    }

    #[test]
    fn line_1_is_what_header_says() {
        let content = "0.1,0.01\n0.00129572,0.25\n-0.0001967,0.5\n";
        let names = [column("0.1", &[0.00129572, -0.0001967]), column("0.01", &[0.25, 0.5])];
        assert_eq!(with_notes(content, &[], Header::Yes).unwrap().0, names);
        let row = with_notes(content, &[], Header::No).unwrap().0;
        assert_eq!(row[0], column("1", &[0.1, 0.00129572, -0.0001967]));
        let names = with_notes("a\n1\n", &[], Header::No).unwrap_err();
        assert_eq!(names, "column `1`, line 1: `a` is not a number");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.npy");
        let elsewhere = read_with(&path, &[], Header::Yes).unwrap_err();
        assert_eq!(elsewhere, "--header is for .csv and .tsv");
    }

    #[test]
    fn tabs_in_a_tsv() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.tsv");
        std::fs::write(&path, "a\tb;c\n1\t2\n3\t4\n").unwrap();
        let expected = [column("a", &[1., 3.]), column("b;c", &[2., 4.])];
        assert_eq!(read(&path, &[]).unwrap(), (expected.to_vec(), vec![]));
    }
}
