//! A table of named, equally long columns: what every stage of a run writes and every plot reads.
//!
//! On disk a table is Parquet (one row group, plain pages, no timestamps), so equal tables are equal bytes.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{ConvertedType, Repetition, Type as PhysicalType};
use parquet::column::reader::{ColumnReader, get_typed_column_reader};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

/// Named columns of equal length, in the order in which they were added.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    columns: Vec<(String, Column)>,
}

/// The values of one column.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Real numbers; NaN stands for "undefined".
    Real(Vec<f64>),
    /// Whole numbers.
    Integer(Vec<i64>),
    /// Text.
    Text(Vec<String>),
    /// Yes or no.
    Flag(Vec<bool>),
}

/// Why a table could not be read or used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file is not a table of ours, or is damaged.
    #[error("{path}: not a readable table: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the Parquet reader says.
        reason: String,
    },
    /// A column that a reader relies on is missing or holds another type.
    #[error("table has no {kind} column `{column}`")]
    Missing {
        /// The column's name.
        column: String,
        /// The expected type.
        kind: &'static str,
    },
}

impl Column {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Column::Real(v) => v.len(),
            Column::Integer(v) => v.len(),
            Column::Text(v) => v.len(),
            Column::Flag(v) => v.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of one row as text; reals in the shortest form that parses back to the same number, with an exponent
    /// below 10⁻⁵ and from 10¹⁶ on.
    pub fn cell(&self, row: usize) -> String {
        match self {
            Column::Real(v) => shortest(v[row]),
            Column::Integer(v) => v[row].to_string(),
            Column::Text(v) => v[row].clone(),
            Column::Flag(v) => v[row].to_string(),
        }
    }

    fn append(&mut self, other: &Column) -> bool {
        match (self, other) {
            (Column::Real(a), Column::Real(b)) => a.extend_from_slice(b),
            (Column::Integer(a), Column::Integer(b)) => a.extend_from_slice(b),
            (Column::Text(a), Column::Text(b)) => a.extend_from_slice(b),
            (Column::Flag(a), Column::Flag(b)) => a.extend_from_slice(b),
            _ => return false,
        }
        true
    }

    fn schema(&self, name: &str) -> Result<Type, ParquetError> {
        let (physical, converted) = match self {
            Column::Real(_) => (PhysicalType::DOUBLE, ConvertedType::NONE),
            Column::Integer(_) => (PhysicalType::INT64, ConvertedType::NONE),
            Column::Text(_) => (PhysicalType::BYTE_ARRAY, ConvertedType::UTF8),
            Column::Flag(_) => (PhysicalType::BOOLEAN, ConvertedType::NONE),
        };
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::REQUIRED)
            .with_converted_type(converted)
            .build()
    }

    fn write<W: std::io::Write + Send>(
        &self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        let mut writer = group.next_column()?.expect("one writer per schema column");
        match self {
            Column::Real(v) => writer.typed::<DoubleType>().write_batch(v, None, None)?,
            Column::Integer(v) => writer.typed::<Int64Type>().write_batch(v, None, None)?,
            Column::Flag(v) => writer.typed::<BoolType>().write_batch(v, None, None)?,
            Column::Text(v) => {
                let bytes: Vec<ByteArray> = v.iter().map(|s| s.as_str().into()).collect();
                writer.typed::<ByteArrayType>().write_batch(&bytes, None, None)?
            }
        };
        writer.close()
    }

    fn read(reader: ColumnReader, n_rows: usize) -> Result<Self, ParquetError> {
        fn values<T: DataType>(
            reader: ColumnReader,
            n_rows: usize,
        ) -> Result<Vec<T::T>, ParquetError> {
            let mut values = Vec::new();
            get_typed_column_reader::<T>(reader).read_records(n_rows, None, None, &mut values)?;
            Ok(values)
        }
        Ok(match reader {
            ColumnReader::DoubleColumnReader(_) => {
                Column::Real(values::<DoubleType>(reader, n_rows)?)
            }
            ColumnReader::Int64ColumnReader(_) => {
                Column::Integer(values::<Int64Type>(reader, n_rows)?)
            }
            ColumnReader::BoolColumnReader(_) => Column::Flag(values::<BoolType>(reader, n_rows)?),
            ColumnReader::ByteArrayColumnReader(_) => Column::Text(
                values::<ByteArrayType>(reader, n_rows)?
                    .iter()
                    .map(|bytes| bytes.as_utf8().map(str::to_owned))
                    .collect::<Result<_, _>>()?,
            ),
            _ => return Err(ParquetError::General("unsupported column type".into())),
        })
    }
}

impl Table {
    /// An empty table; add columns with the `with_…` methods.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column of reals.
    pub fn with_reals(self, name: &str, values: impl IntoIterator<Item = f64>) -> Self {
        self.with(name, Column::Real(values.into_iter().collect()))
    }

    /// Adds a column of whole numbers.
    pub fn with_integers(self, name: &str, values: impl IntoIterator<Item = i64>) -> Self {
        self.with(name, Column::Integer(values.into_iter().collect()))
    }

    /// Adds a column of text.
    pub fn with_texts<S: Into<String>>(
        self,
        name: &str,
        values: impl IntoIterator<Item = S>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.with(name, Column::Text(values))
    }

    /// Adds a column of flags.
    pub fn with_flags(self, name: &str, values: impl IntoIterator<Item = bool>) -> Self {
        self.with(name, Column::Flag(values.into_iter().collect()))
    }

    /// Adds a column.
    ///
    /// # Panics
    /// When its length differs from that of the columns already there.
    pub fn with(mut self, name: &str, column: Column) -> Self {
        if let Some((first, values)) = self.columns.first() {
            let (expected, got) = (values.len(), column.len());
            assert_eq!(expected, got, "length of `{name}` against `{first}`");
        }
        self.columns.push((name.to_owned(), column));
        self
    }

    /// Adds all columns of another table.
    ///
    /// # Panics
    /// When it has another number of rows.
    pub fn beside(self, other: Table) -> Self {
        other.columns.into_iter().fold(self, |table, (name, column)| table.with(&name, column))
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, values)| values.len())
    }

    /// The columns with their names, in order.
    pub fn columns(&self) -> &[(String, Column)] {
        &self.columns
    }

    /// The column of that name, if there is one.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|(n, _)| n == name).map(|(_, c)| c)
    }

    /// The reals in a column.
    pub fn reals(&self, name: &str) -> Result<&[f64], TableError> {
        match self.column(name) {
            Some(Column::Real(values)) => Ok(values),
            _ => Err(missing(name, "real")),
        }
    }

    /// The whole numbers in a column.
    pub fn integers(&self, name: &str) -> Result<&[i64], TableError> {
        match self.column(name) {
            Some(Column::Integer(values)) => Ok(values),
            _ => Err(missing(name, "integer")),
        }
    }

    /// The text in a column.
    pub fn texts(&self, name: &str) -> Result<&[String], TableError> {
        match self.column(name) {
            Some(Column::Text(values)) => Ok(values),
            _ => Err(missing(name, "text")),
        }
    }

    /// The flags in a column.
    pub fn flags(&self, name: &str) -> Result<&[bool], TableError> {
        match self.column(name) {
            Some(Column::Flag(values)) => Ok(values),
            _ => Err(missing(name, "flag")),
        }
    }

    /// Stacks tables with the same columns on top of each other.
    ///
    /// # Panics
    /// When two tables differ in the names or types of their columns.
    pub fn concat(tables: impl IntoIterator<Item = Table>) -> Table {
        let mut tables = tables.into_iter();
        let mut all = tables.next().unwrap_or_default();
        for table in tables {
            assert_eq!(all.columns.len(), table.columns.len(), "number of columns");
            for ((name, column), (other_name, other)) in all.columns.iter_mut().zip(&table.columns)
            {
                assert!(
                    name == other_name && column.append(other),
                    "`{name}` against `{other_name}`"
                );
            }
        }
        all
    }

    /// The table as CSV with a header, cells as [`Column::cell`] has them.
    pub fn to_csv(&self) -> String {
        let mut lines = csv_line(self.columns.iter().map(|(name, _)| name.clone()));
        for row in 0..self.n_rows() {
            lines += &csv_line(self.columns.iter().map(|(_, column)| column.cell(row)));
        }
        lines
    }

    /// The table as the bytes of a Parquet file; equal tables give equal bytes.
    pub fn to_parquet(&self) -> Vec<u8> {
        self.encode().expect("encoding into memory cannot fail")
    }

    fn encode(&self) -> Result<Vec<u8>, ParquetError> {
        let fields = self
            .columns
            .iter()
            .map(|(name, column)| column.schema(name).map(Arc::new))
            .collect::<Result<_, _>>()?;
        let schema = Type::group_type_builder("table").with_fields(fields).build()?;
        let properties = WriterProperties::builder().set_created_by("noisescope".into()).build();
        let mut bytes = Vec::new();
        let mut file =
            SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::new(properties))?;
        let mut group = file.next_row_group()?;
        for (_, column) in &self.columns {
            column.write(&mut group)?;
        }
        group.close()?;
        file.close()?;
        Ok(bytes)
    }

    /// Reads a table from a Parquet file.
    ///
    /// # Errors
    /// When the file is missing, damaged, or has columns of a type that [`Column`] does not know.
    pub fn read(path: &Path) -> Result<Self, TableError> {
        let unreadable =
            |reason: String| TableError::Unreadable { path: path.display().to_string(), reason };
        let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
        Self::decode(file).map_err(|error| unreadable(error.to_string()))
    }

    fn decode(file: File) -> Result<Self, ParquetError> {
        let reader = SerializedFileReader::new(file)?;
        let mut groups = Vec::new();
        for group_idx in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group_idx)?;
            let n_rows = group.metadata().num_rows() as usize;
            let mut table = Table::new();
            for (idx, column) in group.metadata().columns().iter().enumerate() {
                let name = column.column_path().string();
                let values = Column::read(group.get_column_reader(idx)?, n_rows)?;
                if values.len() != n_rows {
                    return Err(ParquetError::General(format!("column `{name}` is cut short")));
                }
                table.columns.push((name, values));
            }
            groups.push(table);
        }
        Ok(Table::concat(groups))
    }
}

fn missing(column: &str, kind: &'static str) -> TableError {
    TableError::Missing { column: column.to_owned(), kind }
}

fn shortest(value: f64) -> String {
    let magnitude = value.abs();
    let is_plain = magnitude == 0. || (1e-5..1e16).contains(&magnitude) || !value.is_finite();
    if is_plain { value.to_string() } else { format!("{value:e}") }
}

fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let quoted = cells.map(|cell| {
        if cell.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell
        }
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Table {
        Table::new()
            .with_reals("alpha", [1.5, f64::NAN, 1.0 / 3.0])
            .with_integers("draw", [1, -2, i64::MAX])
            .with_texts("parameter", ["fc.weight", "a,\"b\"", ""])
            .with_flags("exited", [true, false, true])
    }

    #[test]
    fn parquet_gives_back_every_bit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("example.parquet");
        std::fs::write(&path, example().to_parquet()).unwrap();
        let read = Table::read(&path).unwrap();
        assert_eq!(read.to_csv(), example().to_csv());
        assert_eq!(read.to_parquet(), example().to_parquet());
    }

    #[test]
    fn a_cut_file_is_an_error_and_not_a_shorter_table() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cut.parquet");
        let bytes = example().to_parquet();
        std::fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
        let message = Table::read(&path).unwrap_err().to_string();
        assert!(message.contains("cut.parquet: not a readable table"), "{message}");
    }

    #[test]
    fn csv_quotes_and_keeps_full_precision() {
        let expected = "alpha,draw,parameter,exited\n1.5,1,fc.weight,true\nNaN,-2,\"a,\"\"b\"\"\",false\n\
                        0.3333333333333333,9223372036854775807,,true\n";
        assert_eq!(example().to_csv(), expected);
    }

    /// As Python writes and reads floats, but that it has `1e-05` for `1e-5` and begins exponents below 10⁻⁴: `repr(5e-324)`,
    /// `repr(1.7976931348623157e308)` and so on.
    #[test]
    fn reals_are_short_at_both_ends() {
        let reals = [
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e308"),
            (-1.234e-300, "-1.234e-300"),
            (9.999999999999999e-6, "9.999999999999999e-6"),
            (1e-5, "0.00001"),
            (9_999_999_999_999_998., "9999999999999998"),
            (1e16, "1e16"),
            (f64::NEG_INFINITY, "-inf"),
            (-0., "-0"),
        ];
        for (value, text) in reals {
            assert_eq!(shortest(value), text);
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
        // Every binade, with bits from a multiplicative generator.
        let mut bits = 1_u64;
        for exponent in 0..2047 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let value = f64::from_bits(exponent << 52 | bits >> 12);
            let text = shortest(value);
            assert!(text.len() <= 24, "{text}");
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }

    #[test]
    fn concat_stacks_rows() {
        let both = Table::concat([example(), example()]);
        assert_eq!(both.n_rows(), 6);
        assert_eq!(both.integers("draw").unwrap()[3], 1);
    }

    #[test]
    fn an_empty_table_keeps_its_columns() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("empty.parquet");
        let empty = Table::new().with_reals("x", []).with_texts("t", Vec::<String>::new());
        std::fs::write(&path, empty.to_parquet()).unwrap();
        assert_eq!(Table::read(&path).unwrap(), empty);
    }
}
