//! Comma- or tab-separated tables (RFC 4180: quotes, either line end), with or without a header, in UTF-8 with or without
//! a byte order mark.

use csv::{ReaderBuilder, StringRecord, Trim};

use super::table::{LabelledTable, Labels, quoted, some_of};

/// Which column holds the labels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LabelColumn {
    /// That of this name in the header.
    Name(String),
    /// The last.
    Last,
}

/// How a table is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dialect {
    /// `,` or a tab.
    pub delimiter: u8,
    /// Whether the first line names the columns.
    pub header: bool,
    /// Which column holds the labels; all others are features.
    pub label: LabelColumn,
}

/// Every cell but the labels must be a finite number; lines without anything are passed over.
///
/// Holds at most some 5 bytes for each byte of the file, and the distinct classes.
pub(crate) fn parse(
    bytes: &[u8],
    dialect: &Dialect,
    known: Option<&[String]>,
) -> Result<LabelledTable, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| format!("line {}: not UTF-8", 1 + newlines(&bytes[..e.valid_up_to()])))?;
    let bytes = text.strip_prefix('\u{feff}').unwrap_or(text).as_bytes();
    let mut reader = ReaderBuilder::new()
        .delimiter(dialect.delimiter)
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(bytes);
    let mut record = StringRecord::new();
    let (mut line, mut counted) = (1, 0);
    // The line where the record begins: the reader's own count is short after blank lines and `\r\n`.
    let mut next = |record: &mut StringRecord| -> Result<Option<usize>, String> {
        if !reader.read_record(record).map_err(|error| error.to_string())? {
            return Ok(None);
        }
        let before = record.position().map_or(0, |position| position.byte() as usize);
        let blank = bytes[before..].iter().take_while(|&&byte| byte == b'\r' || byte == b'\n');
        let start = before + blank.count();
        line += newlines(&bytes[counted..start]);
        counted = start;
        Ok(Some(line))
    };

    let header = if dialect.header {
        next(&mut record)?.ok_or("no header: the file is empty")?;
        Some(record.iter().map(str::to_owned).collect::<Vec<_>>())
    } else {
        None
    };
    let Some(mut line) = next(&mut record)? else { return Err("no rows".to_owned()) };
    let n_columns = header.as_ref().map_or(record.len(), Vec::len);
    let label = label_column(&dialect.label, header.as_deref(), n_columns)?;
    let (mut features, mut labels) = (Vec::new(), Labels::new(known));
    loop {
        if record.len() != n_columns {
            let whose = if dialect.header { "header" } else { "first line" };
            let found = record.len();
            return Err(format!("line {line}: {found} columns, the {whose} has {n_columns}"));
        }
        for (column, cell) in record.iter().enumerate() {
            let value = if column == label {
                match is_missing(cell) {
                    true => Err(missing(cell)),
                    // A quote that nobody closed runs on to the end of the file.
                    false if cell.contains('\n') => Err("a label of several lines".to_owned()),
                    false => labels.push(cell),
                }
            } else {
                number(cell).map(|value| features.push(value))
            };
            value.map_err(|reason| match &header {
                Some(names) => format!("line {line}, column {}: {reason}", quoted(&names[column])),
                None => format!("line {line}, column {}: {reason}", column + 1),
            })?;
        }
        match next(&mut record)? {
            Some(next_line) => line = next_line,
            None => break,
        }
    }
    let mut columns = header.unwrap_or_default();
    if !columns.is_empty() {
        columns.remove(label);
    }
    let (labels, classes) = labels.finish();
    Ok(LabelledTable { features, n_features: n_columns - 1, columns, labels, classes })
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

fn label_column(
    label: &LabelColumn,
    header: Option<&[String]>,
    n_columns: usize,
) -> Result<usize, String> {
    if n_columns < 2 {
        return Err(format!("{n_columns} column; a table has features and labels"));
    }
    match (label, header) {
        (LabelColumn::Last, _) => Ok(n_columns - 1),
        (LabelColumn::Name(name), None) => {
            Err(format!("no column {}: the file is read as one without header", quoted(name)))
        }
        (LabelColumn::Name(name), Some(header)) => {
            let mut found = header.iter().enumerate().filter(|(_, column)| *column == name);
            match (found.next(), found.next()) {
                (Some((column, _)), None) => Ok(column),
                (Some(_), Some(_)) => Err(format!("two columns {}", quoted(name))),
                (None, _) => {
                    Err(format!("no column {}; there are {}", quoted(name), some_of(header)))
                }
            }
        }
    }
}

fn is_missing(cell: &str) -> bool {
    cell.is_empty()
        || cell == "?"
        || cell.eq_ignore_ascii_case("na")
        || cell.eq_ignore_ascii_case("nan")
}

fn missing(cell: &str) -> String {
    format!("{} is a missing value", quoted(cell))
}

fn number(cell: &str) -> Result<f32, String> {
    if is_missing(cell) {
        return Err(missing(cell));
    }
    let value: f32 = cell.parse().map_err(|_| format!("{} is not a number", quoted(cell)))?;
    if value.is_finite() {
        Ok(value)
    } else {
        Err(format!("{} is not finite in f32", quoted(cell)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::formats::table::tests::shared;

    fn csv(label: &str) -> Dialect {
        Dialect { delimiter: b',', header: true, label: LabelColumn::Name(label.to_owned()) }
    }

    fn bare(label: LabelColumn) -> Dialect {
        Dialect { delimiter: b',', header: false, label }
    }

    fn table(
        columns: &[&str],
        features: &[f32],
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
        }
    }

    #[test]
    fn quotes_line_ends_blanks_and_the_byte_order_mark() {
        let text =
            "\u{feff}\"a,b\",class,c\r\n 1 ,\"yes, \"\"so\"\" \", -0.5\r\n\r\n\"2\",no,1e-3\r\n";
        let expected = table(&["a,b", "c"], &[1., -0.5, 2., 1e-3], &[1, 0], &["no", "yes, \"so\""]);
        assert_eq!(parse(text.as_bytes(), &csv("class"), None).unwrap(), expected);
        let tabs = Dialect { delimiter: b'\t', ..csv("class") };
        let expected = table(&["a,b"], &[1.], &[0], &["x y"]);
        assert_eq!(parse(b"a,b\tclass\n1\tx y", &tabs, None).unwrap(), expected);
    }

    #[test]
    fn labels_by_position() {
        let expected = table(&[], &[1., 2., 3., 4.], &[1, 0], &["b", "g"]);
        let last = bare(LabelColumn::Last);
        assert_eq!(parse(b"1,2,g\n3,4,b\n", &last, None).unwrap(), expected);
        let known = ["b".to_owned(), "g".to_owned()];
        assert_eq!(parse(b"1,2,g\n3,4,b\n", &last, Some(&known)).unwrap(), expected);
    }

    #[test]
    fn errors_name_line_and_column() {
        let message = |text: &str| parse(text.as_bytes(), &csv("y"), None).unwrap_err();
        assert_eq!(message(""), "no header: the file is empty");
        assert_eq!(message("x,y\n"), "no rows");
        assert_eq!(message("y\n1\n"), "1 column; a table has features and labels");
        assert_eq!(message("x,z\n1,2\n"), "no column `y`; there are `x`, `z`");
        assert_eq!(message("y,x,y\n1,2,3\n"), "two columns `y`");
        assert_eq!(message("x,y\r\n1,2\r\n\r\n1\r\n"), "line 4: 1 columns, the header has 2");
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
        let message = |text: &[u8], label| parse(text, &bare(label), None).unwrap_err();
        assert_eq!(
            message(b"1,a\n1,a,2", LabelColumn::Last),
            "line 2: 3 columns, the first line has 2"
        );
        assert_eq!(
            message(b"1,a\nx,a", LabelColumn::Last),
            "line 2, column 1: `x` is not a number"
        );
        assert_eq!(message(b"1,a\n2,\xff", LabelColumn::Last), "line 2: not UTF-8");
        let known = ["b".to_owned()];
        let message = parse(b"1,a", &bare(LabelColumn::Last), Some(&known)).unwrap_err();
        assert_eq!(message, "line 1, column 2: unknown class `a`; known are `b`");
    }

    #[test]
    fn ionosphere_with_and_without_header() {
        let Some(with) = shared("uci-ionosphere/ionosphere.csv") else { return };
        let Some(without) = shared("uci-ionosphere/ionosphere.data") else { return };
        let with = parse(&with, &Dialect { label: LabelColumn::Last, ..csv("") }, None).unwrap();
        let known = ["g".to_owned(), "b".to_owned()];
        let without = parse(&without, &bare(LabelColumn::Last), Some(&known)).unwrap();
        assert_eq!((with.n_features, with.labels.len()), (34, 351));
        assert_eq!((with.features, with.labels), (without.features, without.labels));
    }
}
