//! Tables in text with one label per row.

use super::cell::is_missing;
use super::table::{LabelledTable, Labels, in_f32, index_left_out, quoted, some_of};
use super::text_table::TextTable;

/// Which column holds the labels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LabelColumn {
    /// That of this name.
    Name(String),
    /// The last.
    Last,
}

/// All columns but the label are features, and every cell of theirs must be a finite number; an index of rows is left out.
///
/// Holds at most some 8 bytes for each byte of the file, and the distinct classes.
pub(crate) fn parse(
    table: &TextTable<'_>,
    label: &LabelColumn,
    known: Option<&[String]>,
) -> Result<LabelledTable, String> {
    let columns = table.columns();
    let label = label_column(label, table)?;
    let is_feature: Vec<bool> =
        columns.iter().enumerate().map(|(idx, column)| idx != label && !column.is_index).collect();
    let n_features = is_feature.iter().filter(|&&is_feature| is_feature).count();
    if n_features == 0 {
        return Err("no column of features beside the labels".to_owned());
    }
    let (mut features, mut labels) = (Vec::new(), Labels::new(known));
    table.each_row(|line, cells| {
        for (column, cell) in cells.enumerate() {
            let value = if column == label {
                match is_missing(cell) {
                    true => Err(missing(cell)),
                    // A quote that nobody closed runs on to the end of the file.
                    false if cell.contains('\n') => Err("a label of several lines".to_owned()),
                    false => labels.push(cell),
                }
            } else if is_feature[column] {
                number(table, cell).map(|value| features.push(value))
            } else {
                Ok(())
            };
            value.map_err(|reason| match table.has_header() {
                true => format!("line {line}, column {}: {reason}", quoted(&columns[column].name)),
                false => format!("line {line}, column {}: {reason}", column + 1),
            })?;
        }
        Ok(())
    })?;
    if features.is_empty() {
        return Err("no rows".to_owned());
    }
    let mut notes = table.assumptions().to_vec();
    let names = |of: &dyn Fn(usize) -> bool| -> Vec<String> {
        let chosen = columns.iter().enumerate().filter(|(idx, _)| of(*idx));
        chosen.map(|(_, column)| column.name.clone()).collect()
    };
    notes.extend(index_left_out(&names(&|idx| idx != label && !is_feature[idx])));
    let columns = match table.has_header() {
        true => names(&|idx| is_feature[idx]),
        false => Vec::new(),
    };
    let (labels, classes) = labels.finish();
    Ok(LabelledTable { features, n_features, columns, labels, classes, notes })
}

fn label_column(label: &LabelColumn, table: &TextTable<'_>) -> Result<usize, String> {
    let names: Vec<&str> = table.columns().iter().map(|column| column.name.as_str()).collect();
    if names.len() < 2 {
        return Err(format!("{} column; a table has features and labels", names.len()));
    }
    let LabelColumn::Name(name) = label else { return Ok(names.len() - 1) };
    let mut found = names.iter().enumerate().filter(|(_, column)| *column == name);
    match (found.next(), found.next()) {
        (Some((column, _)), None) => Ok(column),
        (Some(_), Some(_)) => Err(format!("two columns {}", quoted(name))),
        (None, _) => Err(format!("no column {}; there are {}", quoted(name), some_of(&names))),
    }
}

fn missing(cell: &str) -> String {
    format!("{} is a missing value", quoted(cell))
}

fn number(table: &TextTable<'_>, cell: &str) -> Result<f64, String> {
    if is_missing(cell) {
        return Err(missing(cell));
    }
    let value = table.number(cell).ok_or_else(|| format!("{} is not a number", quoted(cell)))?;
    in_f32(value).ok_or_else(|| format!("{} is not finite in f32", quoted(cell)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::formats::text_table::Header;

    /// With a header, by the name of the column of labels.
    fn csv(text: &str, label: &str) -> Result<LabelledTable, String> {
        let label = LabelColumn::Name(label.to_owned());
        parse(&TextTable::known(text.as_bytes(), b',', true)?, &label, None)
    }

    /// Without a header, the labels last.
    fn bare(text: &[u8], known: Option<&[String]>) -> Result<LabelledTable, String> {
        parse(&TextTable::known(text, b',', false)?, &LabelColumn::Last, known)
    }

    fn table(
        columns: &[&str],
        features: &[f64],
        labels: &[u32],
        classes: &[&str],
    ) -> LabelledTable {
        let strings = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let n_features = features.len() / labels.len();
        let (columns, classes) = (strings(columns), strings(classes));
        LabelledTable {
            features: features.to_vec(),
            n_features,
            columns,
            labels: labels.to_vec(),
            classes,
            notes: vec![],
        }
    }

    #[test]
    fn quotes_line_ends_blanks_and_the_byte_order_mark() {
        let text =
            "\u{feff}\"a,b\",class,c\r\n 1 ,\"yes, \"\"so\"\" \", -0.5\r\n\r\n\"2\",no,1e-3\r\n";
        let expected = table(&["a,b", "c"], &[1., -0.5, 2., 1e-3], &[1, 0], &["no", "yes, \"so\""]);
        assert_eq!(csv(text, "class").unwrap(), expected);
        let tabs = TextTable::known(b"a,b\tclass\n1\tx y", b'\t', true).unwrap();
        let expected = table(&["a,b"], &[1.], &[0], &["x y"]);
        assert_eq!(parse(&tabs, &LabelColumn::Name("class".into()), None).unwrap(), expected);
    }

    #[test]
    fn labels_by_position() {
        let expected = table(&[], &[1., 2., 3., 4.], &[1, 0], &["b", "g"]);
        assert_eq!(bare(b"1,2,g\n3,4,b\n", None).unwrap(), expected);
        let known = ["b".to_owned(), "g".to_owned()];
        assert_eq!(bare(b"1,2,g\n3,4,b\n", Some(&known)).unwrap(), expected);
    }

    #[test]
    fn errors_name_line_and_column() {
        let message = |text: &str| csv(text, "y").unwrap_err();
        assert_eq!(message(""), "no header: the file is empty");
        assert_eq!(message("x,y\n"), "no rows");
        assert_eq!(message("y\n1\n"), "1 column; a table has features and labels");
        assert_eq!(message("x,z\n1,2\n"), "no column `y`; there are `x`, `z`");
        assert_eq!(message("y,x,y\n1,2,3\n"), "two columns `y`");
        assert_eq!(message("x,y\r\n1,2\r\n\r\n1\r\n"), "line 4: 1 columns, line 1 has 2");
        assert_eq!(
            message("x,y\n1,a\n\"1\n2\",a\n"),
            "line 3, column `x`: `1\\n2` is not a number"
        );
        for missing in ["", "?", "NA", "nan", "NaN"] {
            let expected = format!("`{missing}` is a missing value");
            assert_eq!(
                message(&format!("x,y\n1,a\n{missing},a\n")),
                format!("line 3, column `x`: {expected}")
            );
            assert_eq!(
                message(&format!("x,y\n1,{missing}\n")),
                format!("line 2, column `y`: {expected}")
            );
        }
        for infinite in ["inf", "-Infinity", "1e39"] {
            let expected = format!("line 2, column `x`: `{infinite}` is not finite in f32");
            assert_eq!(message(&format!("x,y\n{infinite},a\n")), expected);
        }
        let message = |text: &[u8]| bare(text, None).unwrap_err();
        assert_eq!(message(b"1,a\n1,a,2"), "line 2: 3 columns, line 1 has 2");
        assert_eq!(message(b"1,a\nx,a"), "line 2, column 1: `x` is not a number");
        assert_eq!(message(b"1,a\n2,\xff"), "line 2: not UTF-8");
        let known = ["b".to_owned()];
        let message = bare(b"1,a", Some(&known)).unwrap_err();
        assert_eq!(message, "line 1, column 2: unknown class `a`; known are `b`");
    }

    /// The file of UCI, and the same with a header as Kaggle has it.
    #[test]
    fn ionosphere_with_and_without_header() {
        let file = include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../datasets/ionosphere/ionosphere.data"
        ));
        let known = ["g".to_owned(), "b".to_owned()];
        let without = bare(file, Some(&known)).unwrap();
        assert_eq!((without.n_features, without.labels.len()), (34, 351));
        let names: Vec<String> = (1..=34).map(|idx| format!("column_{idx}")).collect();
        let with = [names.join(",").as_bytes(), b",class\n", &file[..]].concat();
        let with = TextTable::open(&with, None, Header::Auto, &[]).unwrap();
        let label = LabelColumn::Name("class".to_owned());
        let with = parse(&with, &label, Some(&known)).unwrap();
        assert_eq!((with.features, with.labels), (without.features, without.labels));
        assert_eq!((with.columns, with.notes), (names, vec![]));
        // What its own lines say of it: no header.
        let found = TextTable::open(file, None, Header::Auto, &[]).unwrap();
        assert!(!found.has_header() && found.columns().iter().all(|column| !column.is_index));
    }

    /// An index of rows is no feature; what is no such thing must be numbers.
    #[test]
    fn an_index_is_left_out() {
        let found = |text: &str, label: &str| {
            let table = TextTable::open(text.as_bytes(), None, Header::Auto, &[]).unwrap();
            parse(&table, &LabelColumn::Name(label.to_owned()), None)
        };
        let table = found(",a,b,y\n0,2.5,1.5,no\n1,3.5,0.5,yes\n", "y").unwrap();
        assert_eq!((table.n_features, table.features), (2, vec![2.5, 1.5, 3.5, 0.5]));
        assert_eq!((table.columns, table.labels), (vec!["a".into(), "b".into()], vec![0, 1]));
        assert_eq!(table.notes, ["left out as an index of the rows: `column 1`"]);
        // Whoever asks for its labels gets them.
        let table = found("Unnamed: 0,a\n0,2.5\n1,3.5\n", "Unnamed: 0").unwrap();
        assert_eq!((table.labels, table.features), (vec![0, 1], vec![2.5, 3.5]));
        assert_eq!(
            found(",y\n0,a\n1,b\n", "y").unwrap_err(),
            "no column of features beside the labels"
        );
    }
}
