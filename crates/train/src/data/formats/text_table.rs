//! Tables in text: cells in lines (RFC 4180: quotes, either line end), in UTF-8 with or without a byte order mark.
//!
//! What a file does not say is found from all of its lines: what separates cells, whether numbers have a decimal comma,
//! whether line 1 names the columns, which column merely counts the rows. What was assumed is put in words; what cannot be
//! known and would change the result is an error.
//!
//! # Line 1
//! A name above numbers makes a header; a word for a missing value among numbers makes a row. Numbers alone are a row,
//! unless there is evidence against it:
//! - they are the numbers of the columns, 0, 1, …, k − 1 or 1, 2, …, k, as pandas and R write them;
//! - in every column they have at least 3 significant digits fewer than half of the column has. A draw that is printed to
//!   all its digits does so in one of 10³ cases per column.
//!
//! Both together make a header, as does either with a name, or a gap above a column that counts the rows. One of the two
//! alone is ambiguous: [`Header`] must say, or a name that is asked for.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use csv::{ReaderBuilder, StringRecord, Trim};

use super::cell::{Cell, Written};
use super::table::{quoted, some_of};

/// Whether line 1 names the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Header {
    /// As the file suggests.
    #[default]
    Auto,
    /// It does.
    Yes,
    /// It is a row.
    No,
}

/// A table in text and how it is read.
#[derive(Debug)]
pub struct TextTable<'a> {
    text: &'a str,
    delimiter: u8,
    decimal_comma: bool,
    has_header: bool,
    /// Cells in each row; one more than columns where lines end in a delimiter.
    n_cells: usize,
    columns: Vec<TextColumn>,
    assumptions: Vec<String>,
}

/// A column of a table in text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextColumn {
    /// Its name in the header; `column 1` where the header leaves it without one, `1` where there is no header.
    pub name: String,
    /// Whether it merely counts or names the rows.
    pub is_index: bool,
}

impl<'a> TextTable<'a> {
    /// Finds how a table is written, which takes a pass over all of it.
    ///
    /// Cells are separated by `delimiter`; without one by tabs, semicolons or commas, whichever all lines have alike and
    /// leave the most numbers. Where line 1 has a name that is `wanted`, it is a header.
    ///
    /// # Errors
    /// When lines have different numbers of cells, numbers have decimal points and decimal commas, numbers are separated by
    /// something else, or line 1 may be a header or a row and `header` does not say.
    pub fn open(
        bytes: &'a [u8],
        delimiter: Option<u8>,
        header: Header,
        wanted: &[String],
    ) -> Result<Self, String> {
        let text = decoded(bytes)?;
        let scan = match delimiter {
            Some(delimiter) => Scan::of(text, delimiter, header)?,
            None => Scan::by_any_delimiter(text, header)?,
        };
        let mut assumptions = Vec::new();
        if delimiter.is_none() && scan.delimiter != b',' {
            let what = if scan.delimiter == b'\t' { "tabs" } else { "semicolons" };
            assumptions.push(format!("cells are separated by {what}"));
        }
        let decimal_comma = scan.decimal_comma()?;
        if decimal_comma {
            assumptions.push("numbers have a decimal comma".to_owned());
        }
        let (has_header, assumed) = scan.header(header, wanted)?;
        assumptions.extend(assumed);
        if scan.ends_in_delimiter() {
            assumptions
                .push("lines end in a separator, and the empty last column is left out".to_owned());
        }
        let columns = scan.columns(has_header);
        let unnamed = columns
            .iter()
            .zip(&scan.first)
            .filter(|(column, cell)| has_header && cell.is_empty() && !column.is_index);
        let unnamed: Vec<&str> = unnamed.map(|(column, _)| column.name.as_str()).collect();
        if !unnamed.is_empty() {
            assumptions.push(format!("without a name in line 1: {}", some_of(&unnamed)));
        }
        Ok(Self {
            text,
            delimiter: scan.delimiter,
            decimal_comma,
            has_header,
            n_cells: scan.first.len(),
            columns,
            assumptions,
        })
    }

    /// A table of which all is known; names are those of the header, or 1, 2, ….
    pub(crate) fn known(bytes: &'a [u8], delimiter: u8, has_header: bool) -> Result<Self, String> {
        let text = decoded(bytes)?;
        let mut first = StringRecord::new();
        let found = Records::new(text, delimiter).next(&mut first)?;
        found.ok_or(if has_header { "no header: the file is empty" } else { "no rows" })?;
        let name = |(idx, cell): (usize, &str)| TextColumn {
            name: if has_header { cell.to_owned() } else { (idx + 1).to_string() },
            is_index: false,
        };
        let columns = first.iter().enumerate().map(name).collect();
        let (n_cells, assumptions) = (first.len(), Vec::new());
        Ok(Self {
            text,
            delimiter,
            decimal_comma: false,
            has_header,
            n_cells,
            columns,
            assumptions,
        })
    }

    /// Its columns, in their order.
    pub fn columns(&self) -> &[TextColumn] {
        &self.columns
    }

    /// Whether line 1 names the columns.
    pub fn has_header(&self) -> bool {
        self.has_header
    }

    /// What was assumed about the file, each in a sentence without its end.
    pub fn assumptions(&self) -> &[String] {
        &self.assumptions
    }

    /// The value of a number, finite or not.
    pub fn number(&self, cell: &str) -> Option<f64> {
        super::cell::number(cell, self.decimal_comma)
    }

    /// Visits the rows with the line that each begins in, from 1, and a cell for each column.
    ///
    /// # Errors
    /// When a line has more or fewer cells than line 1, and those of `visit`.
    pub fn each_row(
        &self,
        mut visit: impl FnMut(usize, &mut dyn Iterator<Item = &str>) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut records = Records::new(self.text, self.delimiter);
        let mut record = StringRecord::new();
        if self.has_header {
            records.next(&mut record)?;
        }
        while let Some(line) = records.next(&mut record)? {
            if record.len() != self.n_cells {
                return Err(ragged(line, record.len(), self.n_cells));
            }
            visit(line, &mut record.iter().take(self.columns.len()))?;
        }
        Ok(())
    }
}

fn decoded(bytes: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| format!("line {}: not UTF-8", 1 + newlines(&bytes[..e.valid_up_to()])))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

fn ragged(line: usize, n_found: usize, n_expected: usize) -> String {
    format!("line {line}: {n_found} columns, line 1 has {n_expected}")
}

/// Lines with something in them, cut into cells.
struct Records<'a> {
    reader: csv::Reader<&'a [u8]>,
    bytes: &'a [u8],
    line: usize,
    n_counted: usize,
}

impl<'a> Records<'a> {
    fn new(text: &'a str, delimiter: u8) -> Self {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(delimiter).has_headers(false).flexible(true).trim(Trim::All);
        let bytes = text.as_bytes();
        Self { reader: builder.from_reader(bytes), bytes, line: 1, n_counted: 0 }
    }

    /// The next record and the line where it begins: the reader's own count is short after blank lines and `\r\n`.
    fn next(&mut self, record: &mut StringRecord) -> Result<Option<usize>, String> {
        if !self.reader.read_record(record).map_err(|error| error.to_string())? {
            return Ok(None);
        }
        let before = record.position().map_or(0, |position| position.byte() as usize);
        let is_end = |&&byte: &&u8| byte == b'\r' || byte == b'\n';
        let start = before + self.bytes[before..].iter().take_while(is_end).count();
        self.line += newlines(&self.bytes[self.n_counted..start]);
        self.n_counted = start;
        Ok(Some(self.line))
    }
}

/// What all lines say about how a table is written.
struct Scan {
    delimiter: u8,
    /// The cells of line 1, one for each column.
    first: Vec<String>,
    /// Line 1 has one cell fewer than the others.
    is_first_short: bool,
    n_rows: usize,
    /// The columns below line 1.
    tallies: Vec<Tally>,
    /// The first number with a decimal point, and the first with a comma.
    marked: [Option<String>; 2],
}

/// What a column holds below line 1.
#[derive(Default)]
struct Tally {
    n_numbers: usize,
    n_texts: usize,
    n_empty: usize,
    /// How many numbers have so many significant digits; the last counts all longer ones.
    digits: [usize; 24],
    has_fractions: bool,
    /// Where it counts on in each row from the first, the first.
    counts_from: Option<u64>,
    /// All cells, where it matters whether they differ.
    seen: Option<HashSet<u64>>,
}

impl Tally {
    fn push(&mut self, row: usize, text: &str, cell: Cell) {
        match cell {
            Cell::Number(written) => {
                self.n_numbers += 1;
                self.digits[written.n_digits.min(self.digits.len() - 1)] += 1;
                self.has_fractions |= !written.is_whole;
            }
            Cell::Missing if text.is_empty() => self.n_empty += 1,
            Cell::Missing => {}
            Cell::Text => self.n_texts += 1,
        }
        let value = text.parse::<u64>().ok();
        self.counts_from = match (row, self.counts_from) {
            (0, _) => value,
            (_, Some(first)) => Some(first).filter(|_| value == first.checked_add(row as u64)),
            _ => None,
        };
        if let Some(seen) = &mut self.seen {
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            seen.insert(hasher.finish());
        }
    }

    fn is_numeric(&self) -> bool {
        self.n_numbers > self.n_texts
    }

    /// Significant digits that half of the numbers have at least.
    fn median_digits(&self) -> usize {
        let mut n_above = 0;
        let median = (0..self.digits.len()).rev().find(|&n_digits| {
            n_above += self.digits[n_digits];
            2 * n_above >= self.n_numbers.max(1)
        });
        median.unwrap_or(0)
    }

    /// Whether the cells are whole numbers or words, each another.
    fn are_different(&self, n_rows: usize) -> bool {
        let differ = self.seen.as_ref().is_some_and(|seen| seen.len() == n_rows);
        differ && !self.has_fractions && n_rows > 0
    }
}

impl Scan {
    fn by_any_delimiter(text: &str, header: Header) -> Result<Self, String> {
        let (mut is_quoted, mut has_tab, mut has_semicolon) = (false, false, false);
        for byte in text.trim_start_matches(['\r', '\n']).bytes() {
            match byte {
                b'"' => is_quoted = !is_quoted,
                b'\n' if !is_quoted => break,
                b'\t' => has_tab |= !is_quoted,
                b';' => has_semicolon |= !is_quoted,
                _ => {}
            }
        }
        let candidates = [(b'\t', has_tab), (b';', has_semicolon), (b',', true)];
        let candidates = candidates.into_iter().filter(|(_, there)| *there);
        let scans = candidates.map(|(delimiter, _)| Scan::of(text, delimiter, header));
        let scans: Vec<Result<Scan, String>> = scans.collect();
        let is_split = |scan: &Result<Scan, String>| scan.as_ref().is_ok_and(|s| s.first.len() > 1);
        let n_split = scans.iter().filter(|scan| is_split(scan)).count();
        let share = |scan: &Result<Scan, String>| scan.as_ref().map_or(-1., Scan::share_of_numbers);
        let best = scans.into_iter().filter(|scan| n_split == 0 || is_split(scan));
        // The first of those that are equally good.
        let best = best.reduce(|best, scan| if share(&scan) > share(&best) { scan } else { best });
        best.expect("a comma is always tried")
    }

    fn of(text: &str, delimiter: u8, header: Header) -> Result<Self, String> {
        let mut records = Records::new(text, delimiter);
        let mut record = StringRecord::new();
        records.next(&mut record)?.ok_or("the file is empty")?;
        let mut first: Vec<String> = record.iter().map(str::to_owned).collect();
        let mut tallies: Vec<Tally> = Vec::new();
        let mut marked = [None, None];
        let (mut is_first_short, mut n_rows) = (false, 0);
        let mut look = |line: usize, text: &str| -> Result<Cell, String> {
            let cell = cell_between(delimiter, text);
            match cell {
                Cell::Number(Written { mark: Some(mark), .. }) => {
                    let found = &mut marked[usize::from(mark == b',')];
                    found.get_or_insert_with(|| format!("{} in line {line}", quoted(text)));
                }
                Cell::Text if delimiter == b',' => separated_otherwise(line, text)?,
                _ => {}
            }
            Ok(cell)
        };
        for cell in &first {
            look(1, cell)?;
        }
        while let Some(line) = records.next(&mut record)? {
            if n_rows == 0 {
                is_first_short = record.len() == first.len() + 1 && header != Header::No;
                tallies.resize_with(record.len(), Tally::default);
                for (idx, tally) in tallies.iter_mut().enumerate() {
                    let name = first.get(idx).map_or("", String::as_str);
                    if is_first_short || is_index_name(name) || idx == 0 && name.is_empty() {
                        tally.seen = Some(HashSet::new());
                    }
                }
            }
            if record.len() != first.len() + usize::from(is_first_short) {
                return Err(ragged(line, record.len(), first.len()));
            }
            for (tally, text) in tallies.iter_mut().zip(&record) {
                tally.push(n_rows, text, look(line, text)?);
            }
            n_rows += 1;
        }
        tallies.resize_with(first.len() + usize::from(is_first_short), Tally::default);
        if is_first_short {
            // R names the rows in a column that it gives no name.
            let ends_in_delimiter = tallies.last().is_some_and(|tally| tally.n_empty == n_rows);
            first.insert(if ends_in_delimiter { first.len() } else { 0 }, String::new());
        }
        Ok(Self { delimiter, first, is_first_short, n_rows, tallies, marked })
    }

    fn share_of_numbers(&self) -> f64 {
        let n_numbers: usize = self.tallies.iter().map(|tally| tally.n_numbers).sum();
        let n_of_first =
            self.first.iter().filter(|text| matches!(self.cell(text), Cell::Number(_)));
        let n_cells = (self.n_rows + 1) * self.first.len();
        (n_numbers + n_of_first.count()) as f64 / n_cells as f64
    }

    fn cell(&self, text: &str) -> Cell {
        cell_between(self.delimiter, text)
    }

    fn decimal_comma(&self) -> Result<bool, String> {
        match &self.marked {
            [Some(point), Some(comma)] => {
                Err(format!("a decimal comma, {comma}, and a decimal point, {point}"))
            }
            [_, comma] => Ok(comma.is_some()),
        }
    }

    fn ends_in_delimiter(&self) -> bool {
        let last = self.tallies.last().zip(self.first.last());
        let is_empty = |(tally, first): (&Tally, &String)| {
            first.is_empty() && tally.n_empty == self.n_rows && self.n_rows > 0
        };
        self.first.len() > 1 && last.is_some_and(is_empty)
    }

    fn n_columns(&self) -> usize {
        self.first.len() - usize::from(self.ends_in_delimiter())
    }

    /// Whether line 1 is a header, and what was assumed in saying so.
    fn header(&self, asked: Header, wanted: &[String]) -> Result<(bool, Option<String>), String> {
        let has_header = match asked {
            Header::Yes => (true, None),
            Header::No => (false, None),
            Header::Auto => self.guess(wanted)?,
        };
        match self.is_first_short && !has_header.0 {
            true => Err(ragged(2, self.first.len(), self.first.len() - 1)),
            false => Ok(has_header),
        }
    }

    fn guess(&self, wanted: &[String]) -> Result<(bool, Option<String>), String> {
        let columns = || self.first.iter().zip(&self.tallies).take(self.n_columns());
        let cells: Vec<Cell> = columns().map(|(text, _)| self.cell(text)).collect();
        let numbers: Vec<(&String, &Tally)> = columns()
            .zip(&cells)
            .filter(|(_, cell)| matches!(cell, Cell::Number(_)))
            .map(|(column, _)| column)
            .collect();
        if numbers.is_empty() {
            return Ok((cells.contains(&Cell::Text), None));
        }
        // A number that is wanted may be the name of a column without one.
        let is_name = |text: &String| self.cell(text) == Cell::Text && wanted.contains(text);
        if self.first.iter().any(is_name) {
            return Ok((true, None));
        }
        let all = some_of(&self.first[..self.n_columns()]);
        let row = || {
            let assumed = match numbers.len() == cells.len() {
                true => "line 1 has nothing but numbers and is taken for a row (--header yes takes it for names)".to_owned(),
                false => format!("line 1, {all}, is taken for a row (--header yes takes it for names)"),
            };
            Ok((false, Some(assumed)))
        };
        let header = || {
            let assumed =
                format!("line 1, {all}, is taken for a header (--header no takes it for a row)");
            Ok((true, Some(assumed)))
        };
        let lacks_value = columns()
            .zip(&cells)
            .any(|((text, _), cell)| *cell == Cell::Missing && !text.is_empty());
        if lacks_value {
            return row();
        }
        let are_counted = |from: usize| {
            let mut counted = numbers.iter().zip(from..);
            counted.all(|((text, _), number)| **text == number.to_string())
        };
        let are_numbers_of_columns = are_counted(0) || are_counted(1) && numbers.len() > 1;
        let are_different = {
            let texts: HashSet<&String> = numbers.iter().map(|(text, _)| *text).collect();
            texts.len() == numbers.len()
        };
        const FEWER_DIGITS: usize = 3;
        let are_short = are_different
            && numbers.iter().all(|(text, tally)| match self.cell(text) {
                Cell::Number(written) => {
                    tally.is_numeric() && written.n_digits + FEWER_DIGITS <= tally.median_digits()
                }
                _ => false,
            });
        let named = columns()
            .zip(&cells)
            .any(|((_, tally), cell)| *cell == Cell::Text && tally.is_numeric());
        let counts_rows = columns().next().is_some_and(|(text, tally)| {
            text.is_empty() && matches!(tally.counts_from, Some(0 | 1))
        });
        match (are_numbers_of_columns, are_short, named) {
            _ if counts_rows => header(),
            (true, true, _) | (true, _, true) | (_, true, true) => header(),
            (false, false, false) => row(),
            _ => Err(format!(
                "line 1, {all}, may name the columns or be a row: --header yes or --header no says which"
            )),
        }
    }

    fn columns(&self, has_header: bool) -> Vec<TextColumn> {
        let column = |(idx, (first, tally)): (usize, (&String, &Tally))| {
            let counts_rows = match (has_header, tally.counts_from) {
                (true, Some(from)) => from < 2,
                (false, Some(from @ (1 | 2))) => *first == (from - 1).to_string(),
                _ => false,
            };
            let is_index = self.n_columns() > 1
                && match has_header {
                    true if idx == 0 && first.is_empty() => tally.are_different(self.n_rows),
                    true if ["index", "level_0"].contains(&first.as_str()) => {
                        idx == 0 && counts_rows
                    }
                    true => is_index_name(first) && tally.are_different(self.n_rows),
                    false => idx == 0 && counts_rows,
                };
            let name = match has_header {
                true if first.is_empty() => format!("column {}", idx + 1),
                true => first.clone(),
                false => (idx + 1).to_string(),
            };
            TextColumn { name, is_index }
        };
        self.first
            .iter()
            .zip(&self.tallies)
            .take(self.n_columns())
            .enumerate()
            .map(column)
            .collect()
    }
}

/// Names that pandas gives to an index that was written without one.
fn is_index_name(name: &str) -> bool {
    name.starts_with("Unnamed: ") || name.starts_with("__index_level_")
}

/// What a cell holds. A comma in a quoted cell between commas separates thousands as likely as it is a decimal comma.
fn cell_between(delimiter: u8, text: &str) -> Cell {
    match Cell::of(text) {
        Cell::Number(Written { mark: Some(b','), .. }) if delimiter == b',' => Cell::Text,
        cell => cell,
    }
}

/// Numbers in one cell are several cells that something else than a comma separates.
fn separated_otherwise(line: usize, text: &str) -> Result<(), String> {
    let mut parts = text.split([';', '\t']).map(str::trim);
    let is_number = |part: &str| matches!(Cell::of(part), Cell::Number(_));
    match text.contains([';', '\t']) && parts.all(is_number) {
        true => {
            Err(format!("line {line}: {}: separated by something else than commas", quoted(text)))
        }
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names, rows as numbers (`None` for what is none), and what was assumed.
    type Read = (Vec<String>, Vec<Vec<Option<f64>>>, Vec<String>);

    fn read_as(text: &str, header: Header) -> Result<Read, String> {
        let table = TextTable::open(text.as_bytes(), None, header, &[])?;
        let mut rows = Vec::new();
        table.each_row(|_, cells| {
            rows.push(cells.map(|cell| table.number(cell)).collect());
            Ok(())
        })?;
        let name = |column: &TextColumn| match column.is_index {
            true => format!("index {}", column.name),
            false => column.name.clone(),
        };
        let names = table.columns().iter().map(name).collect();
        Ok((names, rows, table.assumptions().to_vec()))
    }

    fn read(text: &str) -> Read {
        read_as(text, Header::Auto).unwrap()
    }

    fn refused(text: &str) -> String {
        read_as(text, Header::Auto).unwrap_err()
    }

    /// Draws of 6 decimals, each line with these cells in front and behind.
    fn draws(n_rows: usize, n_columns: usize, cells: impl Fn(usize) -> (String, String)) -> String {
        let rows = (0..n_rows).map(|row| {
            let draw = |column: usize| ((row * 7 + column * 3 + 1) as f64 * 1.618_034).sin();
            let draws: Vec<String> =
                (0..n_columns).map(|column| format!("{:.6}", draw(column))).collect();
            let (before, behind) = cells(row);
            format!("{before}{}{behind}\n", draws.join(","))
        });
        rows.collect()
    }

    fn plain(n_rows: usize, n_columns: usize) -> String {
        draws(n_rows, n_columns, |_| Default::default())
    }

    #[test]
    fn names_are_a_header_and_numbers_are_a_row() {
        let (names, rows, assumed) = read(&format!("a,b\n{}", plain(9, 2)));
        assert_eq!((names, rows.len(), assumed.len()), (vec!["a".into(), "b".into()], 9, 0));
        let (names, rows, assumed) = read(&plain(9, 2));
        assert_eq!((names, rows.len()), (vec!["1".into(), "2".into()], 9));
        let expected = "line 1 has nothing but numbers and is taken for a row (--header yes takes it for names)";
        assert_eq!(assumed, [expected]);
        // A column of text says nothing of line 1.
        let (names, rows, _) = read("5,3,run\n7,5,stop\n2,4,run\n");
        assert_eq!((names.len(), rows.len()), (3, 3));
    }

    /// pandas writes 0, 1, …, R and MATLAB 1, 2, …, and both may have an index or labels beside them.
    #[test]
    fn numbers_of_columns_above_longer_numbers_are_a_header() {
        let index = |row: usize| (format!("{row},"), String::new());
        let quoted = |row: usize| (format!("\"{}\",", row + 1), String::new());
        let label = |row: usize| (String::new(), format!(",{}", ["ham", "spam"][row % 2]));
        for (header, body, n_columns) in [
            ("0,1,2", plain(60, 3), 3),
            ("1,2,3", plain(60, 3), 3),
            ("0", plain(60, 1), 1),
            (",0,1,2", draws(60, 3, index), 4),
            ("index,0,1,2", draws(60, 3, index), 4),
            ("Unnamed: 0,0,1,2", draws(60, 3, index), 4),
            ("\"\",\"1\",\"2\",\"3\"", draws(60, 3, quoted), 4),
            ("0,1,2,label", draws(60, 3, label), 4),
        ] {
            let (names, rows, assumed) = read(&format!("{header}\n{body}"));
            assert_eq!((names.len(), rows.len()), (n_columns, 60), "{header}");
            assert!(assumed[0].contains("is taken for a header (--header no"), "{assumed:?}");
            let has_index = names[0].starts_with("index ");
            assert_eq!(has_index, n_columns == 4 && !header.ends_with("label"), "{header}");
        }
    }

    #[test]
    fn what_cannot_be_known_must_be_said() {
        let settings = format!("0.1,0.01\n{}", plain(60, 2));
        let counts: String = (0..60).map(|i| format!("{},{}\n", i % 7, i % 5)).collect();
        for text in [
            settings.clone(),
            format!("32,128\n{}", plain(60, 2)),
            format!("1e-3\n{}", plain(60, 1)),
            format!("0,1\n{counts}"),
            format!("1,2\n{counts}"),
            format!("a,3\n{counts}"),
            "0,1,run0\n1,5,run1\n2,4,run2\n".to_owned(),
        ] {
            let message = refused(&text);
            let end = "may name the columns or be a row: --header yes or --header no says which";
            assert!(message.starts_with("line 1, `") && message.ends_with(end), "{message}");
            let rows = text.lines().count();
            assert_eq!(read_as(&text, Header::No).unwrap().1.len(), rows);
            assert_eq!(read_as(&text, Header::Yes).unwrap().1.len(), rows - 1);
        }
        assert_eq!(read_as(&settings, Header::Yes).unwrap().0, ["0.1", "0.01"]);
        // As long as the others they are draws, as are zeros among zeros.
        assert_eq!(read(&format!("0.1,0.2\n{}", "0.3,0.4\n".repeat(60))).1.len(), 61);
        assert_eq!(read(&format!("0,0\n{}", plain(60, 2))).1.len(), 61);
    }

    /// Wavelengths beside a class, which is asked for.
    #[test]
    fn a_name_that_is_wanted_makes_a_header() {
        let text = "400.25,400.75,class\n0.125,0.375,a\n0.25,0.625,b\n";
        let has_header = |wanted: &str| {
            let wanted = [wanted.to_owned()];
            let table = TextTable::open(text.as_bytes(), None, Header::Auto, &wanted).unwrap();
            table.has_header()
        };
        assert!(has_header("class") && !has_header("kind") && !has_header("400.25"));
    }

    /// A missing value in line 1 is an error like any other, and no name.
    #[test]
    fn a_first_row_that_lacks_a_value_is_a_row() {
        for (first, at) in [("NA,3,5", 0), (",0,0", 0), ("0.5,nan,0.1", 1), ("NA", 0)] {
            let n_columns = first.split(',').count();
            let (names, rows, _) = read(&format!("{first}\n{}", plain(60, n_columns)));
            assert_eq!((names[0].as_str(), rows.len()), ("1", 61), "{first}");
            assert!(rows[0][at].is_none_or(f64::is_nan), "{first}");
        }
    }

    #[test]
    fn an_index_is_known_by_its_name_and_its_values() {
        let first = |text: &str| read(text).0.swap_remove(0);
        let body = |index: [&str; 3]| index.map(|cell| format!("{cell},0.25\n")).concat();
        assert_eq!(first(&format!(",a\n{}", body(["0", "1", "2"]))), "index column 1");
        // Of a selection, and of rows with names.
        assert_eq!(first(&format!(",a\n{}", body(["17", "5", "93"]))), "index column 1");
        assert_eq!(first(&format!("\"\",a\n{}", body(["r1", "r2", "r3"]))), "index column 1");
        assert_eq!(
            first(&format!("__index_level_0__,a\n{}", body(["2", "0", "1"]))),
            "index __index_level_0__"
        );
        assert_eq!(first(&format!("level_0,a\n{}", body(["0", "1", "2"]))), "index level_0");
        // Values that repeat or have fractions are data, and so is what has a name of its own.
        for cells in [["1", "1", "2"], ["0.5", "1.5", "2.5"]] {
            let (names, _, assumed) = read(&format!(",a\n{}", body(cells)));
            assert_eq!(names[0], "column 1");
            assert_eq!(assumed, ["without a name in line 1: `column 1`"]);
        }
        assert_eq!(first(&format!("step,a\n{}", body(["0", "1", "2"]))), "step");
        assert_eq!(first(&format!("index,a\n{}", body(["3", "1", "2"]))), "index");
        // Without a header it must count the rows; a table of one column has no index.
        let counting: String = (0..60).map(|row| format!("{row},0.{row}1\n")).collect();
        assert_eq!(first(&counting), "index 1");
        assert_eq!(first("1\n2\n3\n"), "1");
        // R's write.table leaves out the name of the column of names.
        let (names, rows, _) = read("a,b\nr1,1.5,2\nr2,2.5,3\n");
        assert_eq!(names, ["index column 1", "a", "b"]);
        assert_eq!(rows[1], [None, Some(2.5), Some(3.)]);
    }

    #[test]
    fn decimal_commas_between_semicolons_or_tabs() {
        let (separated, comma) = ("cells are separated by", "numbers have a decimal comma");
        for (separator, name) in [(";", "semicolons"), ("\t", "tabs")] {
            for header in ["", "a;b\n"] {
                let text =
                    format!("{header}0,00123;0,298746\n-0,890592;1\n").replace(';', separator);
                let (names, rows, assumed) = read(&text);
                assert_eq!((names.len(), rows.len()), (2, 2));
                assert_eq!(rows[0], [Some(0.00123), Some(0.298746)]);
                assert_eq!(rows[1], [Some(-0.890592), Some(1.)]);
                assert_eq!(assumed[..2], [format!("{separated} {name}"), comma.to_owned()]);
            }
        }
        let (_, rows, assumed) = read("a;b\n0.5;2\n");
        assert_eq!((rows, assumed.len()), (vec![vec![Some(0.5), Some(2.)]], 1));
        // Semicolons in text between commas.
        let (names, rows, _) = read("a,b;c\n1.5,x;y\n");
        assert_eq!((names, &rows[0]), (vec!["a".into(), "b;c".into()], &vec![Some(1.5), None]));
        let message = refused("a;b\n0,5;1.5\n");
        let expected = "a decimal comma, `0,5` in line 2, and a decimal point, `1.5` in line 2";
        assert_eq!(message, expected);
        // A header between commas above rows between semicolons.
        let message = refused("a,b,c\n0,5;1,7\n");
        assert_eq!(message, "line 2: `5;1`: separated by something else than commas");
        // In quotes between commas it may separate thousands.
        assert_eq!(read("a,b\n\"1,234\",2\n").1[0], [None, Some(2.)]);
    }

    #[test]
    fn lines_that_end_in_a_comma() {
        for text in [
            "1.5,3.25,\n2.5,4.25,\n",
            "a,b,\n1.5,3.25,\n2.5,4.25,\n",
            "a,b\n1.5,3.25,\n2.5,4.25,\n",
        ] {
            let (names, rows, assumed) = read(text);
            assert_eq!((names.len(), &rows[1]), (2, &vec![Some(2.5), Some(4.25)]), "{text}");
            let expected = "lines end in a separator, and the empty last column is left out";
            assert!(assumed.iter().any(|assumed| assumed == expected), "{assumed:?}");
        }
        assert_eq!(read("1.5,\n2.5,3\n").1[0], [Some(1.5), None]);
    }

    #[test]
    fn lines_of_unequal_length() {
        assert_eq!(refused("a,b\n1,2\n\n1\n"), "line 4: 1 columns, line 1 has 2");
        assert_eq!(refused("0.5,0.25\n0.5,0.25,0.75\n"), "line 2: 3 columns, line 1 has 2");
        assert_eq!(refused(""), "the file is empty");
    }
}
