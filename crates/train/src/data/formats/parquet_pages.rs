//! Distrusts the footer and the headers of pages of Parquet: the crate `parquet` allocates what they promise, up to 16 GiB
//! for a few bytes.
//!
//! Values that a page promises and does not have make it panic; see [`guarded`].
//!
//! They are structures in Thrift's compact protocol; see `FileMetaData` and `PageHeader` in `parquet.thrift`.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use parquet::file::metadata::ParquetMetaData;

use crate::data::formats::table::quoted;

/// Decodes with the crate `parquet`, and makes an error of a panic, without its words on standard error.
///
/// *Why not check the values first?* They may be packed: every page would have to be unpacked twice.
pub(crate) fn guarded<T>(decode: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    thread_local! {
        static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
    }
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let told = take_hook();
        set_hook(Box::new(move |info| {
            if !IS_GUARDED.get() {
                told(info);
            }
        }));
    });
    IS_GUARDED.set(true);
    let decoded = catch_unwind(AssertUnwindSafe(decode));
    IS_GUARDED.set(false);
    decoded.unwrap_or_else(|_| Err("Parquet: a page whose values are damaged".into()))
}

/// No group of columns may have more members than the footer has bytes, and there may be no more than 1000 groups: the
/// reader calls itself for each that lies within another.
pub(crate) fn check_footer(file: &[u8]) -> Result<(), String> {
    const MOST_GROUPS: usize = 1000;
    let footer = file.strip_suffix(b"PAR1").and_then(|file| {
        let (rest, len) = file.split_last_chunk()?;
        rest.get(rest.len().checked_sub(u32::from_le_bytes(*len) as usize)?..)
    });
    let mut rest = footer.ok_or("not a Parquet file, or cut off")?;
    let len = rest.len() as i64;
    let mut n_groups = 0;
    let read = fields(&mut rest, &mut Vec::new(), &mut |path, value| {
        if path == [2, LIST, 5] && value != 0 {
            n_groups += 1;
            return (n_groups <= MOST_GROUPS && (0..=len).contains(&value)).then_some(());
        }
        Some(())
    });
    read.ok_or_else(|| "a footer that is damaged".to_owned())
}

/// No page may unpack to more than `limit` bytes, no dictionary have more values than bits, and no page refer to a
/// dictionary that is not there.
pub(crate) fn check(file: &[u8], metadata: &ParquetMetaData, limit: usize) -> Result<(), String> {
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        let start = usize::try_from(start).ok();
        let chunk = start.zip(usize::try_from(column.compressed_size()).ok());
        let mut pages =
            chunk.and_then(|(start, len)| file.get(start..start.checked_add(len)?)).ok_or_else(
                || format!("column {}: beyond the file", quoted(&column.column_path().string())),
            )?;
        let mut has_dictionary = false;
        while !pages.is_empty() {
            let at = pages.as_ptr().addr() - file.as_ptr().addr();
            let mut rest = pages;
            let header = Header::read(&mut rest);
            let header = header.ok_or_else(|| format!("byte {at}: not the header of a page"))?;
            if header.unpacked_len.max(header.n_dictionary) > limit {
                return Err(format!("byte {at}: a page that unpacks to more than {limit} bytes"));
            }
            has_dictionary |= header.kind == DICTIONARY_PAGE;
            if DICTIONARY_ENCODINGS.contains(&header.encoding) && !has_dictionary {
                return Err(format!("byte {at}: a page that needs a dictionary before it"));
            }
            if header.n_dictionary > header.unpacked_len.saturating_mul(8) {
                return Err(format!("byte {at}: a dictionary of more values than it has bits"));
            }
            pages = rest
                .get(header.packed_len..)
                .ok_or_else(|| format!("byte {at}: a page of {} bytes", header.packed_len))?;
        }
    }
    Ok(())
}

/// `PageType::DICTIONARY_PAGE`.
const DICTIONARY_PAGE: i64 = 2;
/// `Encoding::PLAIN_DICTIONARY` and `RLE_DICTIONARY`.
const DICTIONARY_ENCODINGS: [i64; 2] = [2, 8];

#[derive(Default)]
struct Header {
    kind: i64,
    encoding: i64,
    unpacked_len: usize,
    packed_len: usize,
    n_dictionary: usize,
}

impl Header {
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let mut header = Self::default();
        fields(bytes, &mut Vec::new(), &mut |path, value| {
            match path {
                [1] => header.kind = value,
                [5, 2] | [8, 4] => header.encoding = value,
                [2] => header.unpacked_len = value.try_into().ok()?,
                [3] => header.packed_len = value.try_into().ok()?,
                [7, 1] => header.n_dictionary = value.try_into().ok()?,
                _ => {}
            }
            Some(())
        })?;
        Some(header)
    }
}

/// In a path, for any element of a list.
const LIST: i64 = 0;

type Visit<'a> = &'a mut dyn FnMut(&[i64], i64) -> Option<()>;

/// Visits the whole numbers of a structure by their path of field numbers.
fn fields(bytes: &mut &[u8], path: &mut Vec<i64>, visit: Visit) -> Option<()> {
    let mut field = 0i64;
    loop {
        let head = bytes.split_off_first()?;
        if *head == 0 {
            return Some(());
        }
        let step = i64::from(head >> 4);
        field = if step == 0 { zigzag(varint(bytes)?) } else { field.checked_add(step)? };
        path.push(field);
        // The type of a boolean field is its value.
        if !matches!(head & 15, 1 | 2) {
            value(head & 15, bytes, path, visit)?;
        }
        path.pop();
    }
}

fn value(kind: u8, bytes: &mut &[u8], path: &mut Vec<i64>, visit: Visit) -> Option<()> {
    const DEEPEST: usize = 16;
    match kind {
        1..=3 => drop(bytes.split_off_first()?),
        4..=6 => visit(path, zigzag(varint(bytes)?))?,
        7 => drop(bytes.split_off(..8)?),
        8 => {
            let len = usize::try_from(varint(bytes)?).ok()?;
            bytes.split_off(..len)?;
        }
        9 | 10 if path.len() < DEEPEST => {
            let head = bytes.split_off_first()?;
            let n_elements = if head >> 4 == 15 { varint(bytes)? } else { u64::from(head >> 4) };
            path.push(LIST);
            for _ in 0..n_elements {
                value(head & 15, bytes, path, visit)?;
            }
            path.pop();
        }
        12 if path.len() < DEEPEST => fields(bytes, path, visit)?,
        _ => return None,
    }
    Some(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::*;
    use crate::data::formats::inflate;
    use crate::table::Table;

    #[test]
    fn whole_files_pass_and_a_page_above_the_limit_is_named() {
        let table = Table::new()
            .with_reals("u", (0..1000).map(f64::from))
            .with_texts("kind", (0..1000).map(|i| ["a", "b"][i % 2]));
        let file = Bytes::from(table.to_parquet());
        let reader = SerializedFileReader::new(file.clone()).unwrap();
        assert_eq!(check_footer(&file), Ok(()));
        assert!(check_footer(&file[..file.len() - 1]).is_err());
        let checked = |limit| check(&file, reader.metadata(), limit);
        assert_eq!(checked(inflate::limit(file.len())), Ok(()));
        let message = checked(100).unwrap_err();
        assert!(message.ends_with("a page that unpacks to more than 100 bytes"), "{message}");
    }

    #[test]
    fn a_group_with_more_members_than_bytes() {
        // A schema of one element, whose field 5 is the number of its members.
        let file =
            |members: u8| [&[0x29, 0x1c, 0x55, members, 0, 0][..], &[6, 0, 0, 0], b"PAR1"].concat();
        assert_eq!(check_footer(&file(12)), Ok(()));
        assert_eq!(check_footer(&file(14)).unwrap_err(), "a footer that is damaged");
        assert_eq!(check_footer(&file(1)).unwrap_err(), "a footer that is damaged");
        assert_eq!(check_footer(b"PAR1").unwrap_err(), "not a Parquet file, or cut off");
    }

    #[test]
    fn headers_of_pages() {
        // A dictionary page of 16 bytes, packed in 9, with 2 values.
        let bytes = [0x15, 4, 0x15, 32, 0x15, 18, 0x4c, 0x15, 4, 0, 0, 7];
        let mut rest = &bytes[..];
        let header = Header::read(&mut rest).unwrap();
        assert_eq!((header.unpacked_len, header.packed_len, header.n_dictionary), (16, 9, 2));
        assert_eq!(rest, [7]);
        assert!(Header::read(&mut &bytes[..10]).is_none());
        assert!(Header::read(&mut &[0x15, 1, 0x15, 1, 0][..]).is_none());
        assert!(Header::read(&mut &[0x1c; 100][..]).is_none());
    }
}
