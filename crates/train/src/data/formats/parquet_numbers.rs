//! Columns of numbers in Parquet, of every type that numbers have there: see "Logical Types" of its format.

use half::f16;
use parquet::basic::{ConvertedType, LogicalType, Type as PhysicalType};
use parquet::column::reader::{ColumnReader, get_typed_column_reader};
use parquet::data_type::{
    ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescriptor;

use super::parquet_pages::guarded;

/// How stored values are numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Plain,
    Unsigned,
    Half,
    /// So many of the digits are behind the point.
    Decimal(i32),
}

/// Whether a column has numbers: floating-point numbers of any precision, whole numbers and decimals; not dates and times,
/// which are stored as whole numbers.
pub fn is_number(column: &ColumnDescriptor) -> bool {
    meaning(column).is_some()
}

fn meaning(column: &ColumnDescriptor) -> Option<Meaning> {
    use ConvertedType::{
        DECIMAL, INT_8, INT_16, INT_32, INT_64, NONE, UINT_8, UINT_16, UINT_32, UINT_64,
    };
    use PhysicalType::{BYTE_ARRAY, DOUBLE, FIXED_LEN_BYTE_ARRAY, FLOAT, INT32, INT64};
    let (physical, converted) = (column.physical_type(), column.converted_type());
    match (physical, column.logical_type_ref()) {
        (FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Float16)) => Some(Meaning::Half),
        (INT32 | INT64 | FIXED_LEN_BYTE_ARRAY | BYTE_ARRAY, _) if converted == DECIMAL => {
            Some(Meaning::Decimal(column.type_scale()))
        }
        (DOUBLE | FLOAT, None) => Some(Meaning::Plain),
        // Times in nanoseconds have no converted type.
        (INT32 | INT64, None | Some(LogicalType::Integer { .. })) => match converted {
            NONE | INT_8 | INT_16 | INT_32 | INT_64 => Some(Meaning::Plain),
            UINT_8 | UINT_16 | UINT_32 | UINT_64 => Some(Meaning::Unsigned),
            _ => None,
        },
        _ => None,
    }
}

/// The type of a column for a message.
pub fn type_name(column: &ColumnDescriptor) -> String {
    match (column.converted_type(), column.logical_type_ref()) {
        (ConvertedType::NONE, Some(logical)) => format!("{logical:?}"),
        (ConvertedType::NONE, None) => column.physical_type().to_string(),
        (converted, _) => converted.to_string(),
    }
}

/// A column in a group of rows.
pub struct Chunk {
    /// Rows before this group.
    first: usize,
    n_rows: usize,
    max_level: i16,
    meaning: Meaning,
}

impl Chunk {
    /// Of a group of `n_rows` with `first` rows before it.
    pub fn of(column: &ColumnDescriptor, first: usize, n_rows: usize) -> Self {
        let meaning = meaning(column).unwrap_or(Meaning::Plain);
        Self { first, n_rows, max_level: column.max_def_level(), meaning }
    }

    /// Whether numbers are what is stored.
    pub(super) fn is_plain(&self) -> bool {
        self.meaning == Meaning::Plain
    }

    /// Visits the numbers of all rows, to the nearest `f64`.
    ///
    /// # Errors
    /// When one is missing, the file is damaged, and those of `visit`; each names its row.
    pub fn numbers(
        &self,
        column: ColumnReader,
        mut visit: impl FnMut(f64) -> Result<(), String>,
    ) -> Result<(), String> {
        let meaning = self.meaning;
        match column {
            ColumnReader::DoubleColumnReader(_) => self.each::<DoubleType>(column, |&v| visit(v)),
            ColumnReader::FloatColumnReader(_) => {
                self.each::<FloatType>(column, |&v| visit(v.into()))
            }
            ColumnReader::Int32ColumnReader(_) => self.each::<Int32Type>(column, |&v| {
                visit(match meaning {
                    Meaning::Unsigned => (v as u32).into(),
                    Meaning::Decimal(scale) => decimal(v.into(), scale),
                    _ => v.into(),
                })
            }),
            ColumnReader::Int64ColumnReader(_) => self.each::<Int64Type>(column, |&v| {
                visit(match meaning {
                    Meaning::Unsigned => v as u64 as f64,
                    Meaning::Decimal(scale) => decimal(v.into(), scale),
                    _ => v as f64,
                })
            }),
            ColumnReader::FixedLenByteArrayColumnReader(_) => {
                self.each::<FixedLenByteArrayType>(column, |v| visit(of_bytes(v.data(), meaning)?))
            }
            ColumnReader::ByteArrayColumnReader(_) => {
                self.each::<ByteArrayType>(column, |v| visit(of_bytes(v.data(), meaning)?))
            }
            _ => Err("not numbers".to_owned()),
        }
    }

    /// Visits the values of all rows; errors name the row.
    pub(super) fn each<T: DataType>(
        &self,
        column: ColumnReader,
        mut visit: impl FnMut(&T::T) -> Result<(), String>,
    ) -> Result<(), String> {
        const BATCH: usize = 1 << 14;
        let mut reader = get_typed_column_reader::<T>(column);
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        let mut n_read = 0;
        while n_read < self.n_rows {
            values.clear();
            levels.clear();
            let wanted = BATCH.min(self.n_rows - n_read);
            let (n_records, _, _) = guarded(|| {
                reader.read_records(wanted, Some(&mut levels), None, &mut values).map_err(text)
            })?;
            if n_records == 0 {
                return Err(format!(
                    "{} rows, not {}",
                    self.first + n_read,
                    self.first + self.n_rows
                ));
            }
            let at = |row: usize| self.first + n_read + row + 1;
            if let Some(row) = levels.iter().position(|&level| level < self.max_level) {
                return Err(format!("row {}: null", at(row)));
            }
            for (row, value) in values.iter().enumerate() {
                visit(value).map_err(|reason| format!("row {}: {reason}", at(row)))?;
            }
            n_read += n_records;
        }
        Ok(())
    }
}

fn of_bytes(bytes: &[u8], meaning: Meaning) -> Result<f64, String> {
    match (meaning, bytes) {
        (Meaning::Half, &[a, b]) => Ok(f16::from_le_bytes([a, b]).into()),
        // Big-endian, in two's complement.
        (Meaning::Decimal(scale), [first, ..]) if bytes.len() <= 16 => {
            let sign = if *first < 128 { 0 } else { u8::MAX };
            let mut extended = [sign; 16];
            extended[16 - bytes.len()..].copy_from_slice(bytes);
            Ok(decimal(i128::from_be_bytes(extended), scale))
        }
        _ => Err(format!("{} bytes are no number", bytes.len())),
    }
}

/// `unscaled` · 10^−`scale`, to the nearest.
fn decimal(unscaled: i128, scale: i32) -> f64 {
    format!("{unscaled}e{}", -i64::from(scale)).parse().expect("a number is written")
}

fn text(error: ParquetError) -> String {
    format!("Parquet: {error}")
}
