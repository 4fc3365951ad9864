//! What pandas writes into Parquet beside the columns.

use parquet::file::metadata::FileMetaData;
use serde::Deserialize;

/// The key `pandas` of the schema's metadata; see "Storing pandas DataFrame objects in Apache Parquet format" in pandas'
/// developer documentation.
#[derive(Deserialize)]
struct Pandas {
    index_columns: Vec<IndexColumn>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum IndexColumn {
    /// The name of a column.
    Stored(String),
    /// A range, which is not stored.
    Described(serde::de::IgnoredAny),
}

/// The columns that are the index of a table and no data, `__index_level_0__` where it had no name. None where pandas did
/// not write the file.
pub fn index_columns(metadata: &FileMetaData) -> Vec<String> {
    let entries = metadata.key_value_metadata().into_iter().flatten();
    let pandas = entries
        .filter(|entry| entry.key == "pandas")
        .find_map(|entry| serde_json::from_str::<Pandas>(entry.value.as_deref()?).ok());
    let columns = pandas.into_iter().flat_map(|pandas| pandas.index_columns);
    let names = columns.filter_map(|column| match column {
        IndexColumn::Stored(name) => Some(name),
        IndexColumn::Described(_) => None,
    });
    names.collect()
}
