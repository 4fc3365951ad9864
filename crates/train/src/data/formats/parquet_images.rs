//! Images of the Hugging Face hub: Parquet with a column of PNG files and one of labels.

use bytes::Bytes;
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{ByteArrayType, DataType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use rayon::prelude::*;

use super::parquet_pages::{self, guarded};
use super::{inflate, png_image};

/// Pixels `[N, channels, height, width]` and labels. `image` names a structure `{bytes, path}`, `label` a column of whole
/// numbers. Groups of rows are decoded side by side, each to its own place.
///
/// Holds at most 1/8 image for each byte of the file, beside [`inflate::limit`].
pub(crate) fn parse(
    file: Bytes,
    (image, label): (&str, &str),
    shape: [usize; 3],
) -> Result<(Vec<u8>, Vec<u32>), String> {
    // The smallest PNG file has 67 bytes; a header that promises more rows than could be there is not believed.
    let most_rows = file.len() / 8;
    parquet_pages::check_footer(&file)?;
    let reader = SerializedFileReader::new(file.clone()).map_err(text)?;
    let metadata = reader.metadata();
    parquet_pages::check(&file, metadata, inflate::limit(file.len()))?;
    let schema = metadata.file_metadata().schema_descr();
    let column = |path: String| {
        let idx = schema.columns().iter().position(|column| column.path().string() == path);
        idx.ok_or_else(|| {
            let paths = schema.columns().iter().map(|column| column.path().string());
            format!("no column `{path}`; there are {}", paths.collect::<Vec<_>>().join(", "))
        })
    };
    let columns = (column(format!("{image}.bytes"))?, column(label.to_owned())?);
    for (idx, expected) in [
        (columns.0, ByteArrayType::get_physical_type()),
        (columns.1, Int64Type::get_physical_type()),
    ] {
        let column = schema.column(idx);
        if column.physical_type() != expected || column.max_rep_level() != 0 {
            let (path, found) = (column.path().string(), column.physical_type());
            return Err(format!("column `{path}` is of type {found}, not one {expected} per row"));
        }
    }
    let group_rows: Vec<usize> = metadata
        .row_groups()
        .iter()
        .map(|group| usize::try_from(group.num_rows()).unwrap_or(usize::MAX))
        .collect();
    let n_rows = group_rows.iter().try_fold(0usize, |sum, &rows| sum.checked_add(rows));
    let n_rows = n_rows.filter(|&rows| rows <= most_rows);
    let n_rows = n_rows.ok_or("promises more rows than a file of its size can hold")?;

    let image_len = shape.iter().product::<usize>();
    let (mut pixels, mut labels) = (vec![0; n_rows * image_len], vec![0; n_rows]);
    let mut groups = Vec::new();
    let (mut pixels_left, mut labels_left, mut first) = (&mut pixels[..], &mut labels[..], 0);
    for (group, &rows) in group_rows.iter().enumerate() {
        let (group_pixels, rest) = pixels_left.split_at_mut(rows * image_len);
        let (group_labels, more) = labels_left.split_at_mut(rows);
        (pixels_left, labels_left) = (rest, more);
        groups.push((group, first, group_pixels, group_labels));
        first += rows;
    }
    groups.into_par_iter().try_for_each(|(group, first, pixels, labels)| {
        let reader = reader.get_row_group(group).map_err(text)?;
        let found =
            guarded(|| values::<Int64Type>(&*reader, columns.1, labels.len()).map_err(text)?)?;
        for (row, (target, value)) in labels.iter_mut().zip(found).enumerate() {
            let label_of = || format!("row {}: label {value}", first + row + 1);
            *target = u32::try_from(value).map_err(|_| label_of())?;
        }
        let files = guarded(|| {
            values::<ByteArrayType>(&*reader, columns.0, labels.len()).map_err(text)?
        })?;
        let mut scratch = Vec::new();
        for (row, (target, file)) in pixels.chunks_exact_mut(image_len).zip(files).enumerate() {
            png_image::decode(file.data(), shape, target, &mut scratch)
                .map_err(|reason| format!("row {}: {reason}", first + row + 1))?;
        }
        Ok::<(), String>(())
    })?;
    Ok((pixels, labels))
}

/// The values of a column in a group of rows, of which none may be missing.
fn values<T: DataType>(
    group: &dyn RowGroupReader,
    column: usize,
    n_rows: usize,
) -> Result<Result<Vec<T::T>, String>, ParquetError> {
    let mut reader = get_typed_column_reader::<T>(group.get_column_reader(column)?);
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    let (n_records, n_values, _) =
        reader.read_records(n_rows, Some(&mut levels), None, &mut values)?;
    Ok(if n_records == n_rows && n_values == n_rows {
        Ok(values)
    } else {
        Err(format!("{n_values} values in a group of {n_rows} rows"))
    })
}

fn text(error: ParquetError) -> String {
    format!("Parquet: {error}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::data_type::ByteArray;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use png::ColorType;

    use super::*;
    use crate::data::formats::png_image::tests::encode;

    /// Grey images of 1 × 2 pixels in groups of rows.
    fn parquet(groups: &[&[([u8; 2], i64)]]) -> Bytes {
        let schema = "message schema { optional group image { optional binary bytes; optional binary path (utf8); } optional int64 label; }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let mut file = Vec::new();
        let mut writer = SerializedFileWriter::new(&mut file, schema, Default::default()).unwrap();
        for rows in groups {
            let mut group = writer.next_row_group().unwrap();
            let images: Vec<ByteArray> = rows
                .iter()
                .map(|(pixels, _)| encode(ColorType::Grayscale, [1, 2], pixels).into())
                .collect();
            let labels: Vec<i64> = rows.iter().map(|(_, label)| *label).collect();
            let twos = vec![2; rows.len()];
            let ones = vec![1; rows.len()];
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&images, Some(&twos), None).unwrap();
            column.close().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&[], Some(&ones), None).unwrap();
            column.close().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<Int64Type>().write_batch(&labels, Some(&ones), None).unwrap();
            column.close().unwrap();
            group.close().unwrap();
        }
        writer.close().unwrap();
        file.into()
    }

    #[test]
    fn groups_of_rows_in_order() {
        let file = parquet(&[&[([1, 2], 5), ([3, 4], 0)], &[([5, 6], 9)]]);
        let found = parse(file, ("image", "label"), [1, 1, 2]).unwrap();
        assert_eq!(found, (vec![1, 2, 3, 4, 5, 6], vec![5, 0, 9]));
    }

    /// The crate `parquet` panics where the values of a page end early.
    #[test]
    fn values_beyond_their_page() {
        let mut file = parquet(&[&[([1, 2], 5), ([3, 4], 0)]]).to_vec();
        let first = file.windows(4).position(|bytes| bytes == b"\x89PNG").unwrap();
        let len = u32::from_le_bytes(file[first - 4..first].try_into().unwrap());
        // The first of two images of one size takes all there is.
        file[first - 4..first].copy_from_slice(&(2 * len + 4).to_le_bytes());
        let message = parse(file.into(), ("image", "label"), [1, 1, 2]).unwrap_err();
        assert_eq!(message, "Parquet: a page whose values are damaged");
    }

    #[test]
    fn errors_name_column_and_row() {
        let file = parquet(&[&[([1, 2], 5)], &[([1, 2], -3)]]);
        let message = |columns, shape| parse(file.clone(), columns, shape).unwrap_err();
        let column = message(("img", "label"), [1, 1, 2]);
        assert_eq!(column, "no column `img.bytes`; there are image.bytes, image.path, label");
        assert_eq!(message(("image", "label"), [1, 1, 2]), "row 2: label -3");
        let size = message(("image", "label"), [1, 2, 2]);
        assert!(size.ends_with("1 × 2 pixels, not 2 × 2"), "{size}");
        let kind = message(("image", "image.path"), [1, 1, 2]);
        assert!(kind.contains("of type BYTE_ARRAY, not one INT64 per row"), "{kind}");
        let short = file.slice(..file.len() - 30);
        let message = parse(short, ("image", "label"), [1, 1, 2]).unwrap_err();
        assert_eq!(message, "not a Parquet file, or cut off");
    }
}
