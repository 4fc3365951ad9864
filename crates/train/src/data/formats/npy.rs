//! NumPy's `.npy` (versions 1.0, 2.0 and 3.0 of its format) and `.npz` (a zip archive of such files, stored or
//! deflated). See `numpy.lib.format`.
//!
//! The header is read here because the sizes in it must be distrusted: the reader of the crate `npyz` multiplies
//! them unchecked.

use std::io::Cursor;

use zip::ZipArchive;

use super::array::{Array, Element, LabelledArray, Values, check_shape, row_major};
use super::inflate;
use super::table::{quoted, some_of};

/// Inputs and labels by name from an archive, as `np.savez(file, inputs=…, labels=…)` writes it.
///
/// Unpacks arrays within [`inflate::limit`], each on its own, and holds at most 8 bytes for each value of theirs.
pub(crate) fn parse_npz(
    bytes: &[u8],
    inputs: &str,
    labels: &str,
    known: Option<&[String]>,
) -> Result<LabelledArray, String> {
    let mut archive = archive(bytes)?;
    let mut array = |name: &str| {
        let Some(index) = archive.index_for_name(&format!("{name}.npy")) else {
            let names = names(&archive);
            return Err(format!("no array {}; there are {}", quoted(name), some_of(&names)));
        };
        unpacked(&mut archive, index, bytes.len())
            .and_then(|bytes| parse(&bytes))
            .map_err(|reason| format!("array {}: {reason}", quoted(name)))
    };
    LabelledArray::new(array(inputs)?, array(labels)?, known)
}

/// The `.npy` files in a `.npz`, each with the name of its array, in the order of the archive.
///
/// Unpacks each within 16 MiB and 256 bytes for each of the archive.
///
/// # Errors
/// When it is no archive, or one of them can't be unpacked.
pub fn npz_members(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut archive = archive(bytes)?;
    let names = names(&archive);
    let member = |(index, name): (usize, String)| {
        let member = unpacked(&mut archive, index, bytes.len());
        let member = member.map_err(|reason| format!("array {}: {reason}", quoted(&name)))?;
        Ok((name, member))
    };
    names.into_iter().enumerate().map(member).collect()
}

fn archive(bytes: &[u8]) -> Result<ZipArchive<Cursor<&[u8]>>, String> {
    ZipArchive::new(Cursor::new(bytes)).map_err(|e| format!("not a .npz file: {e}"))
}

fn names(archive: &ZipArchive<Cursor<&[u8]>>) -> Vec<String> {
    let names = archive.file_names_raw();
    names.map(|name| String::from_utf8_lossy(name).trim_end_matches(".npy").to_owned()).collect()
}

fn unpacked(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    index: usize,
    n_bytes: usize,
) -> Result<Vec<u8>, String> {
    let file = archive.by_index(index).map_err(|error| error.to_string())?;
    inflate::read_all(file, inflate::limit(n_bytes))
}

/// An array in C or Fortran order, of either byte order.
///
/// Holds at most 8 bytes for each value, and that twice for Fortran order.
pub(crate) fn parse(bytes: &[u8]) -> Result<Array, String> {
    let (header, start) = NpyHeader::read(bytes)?;
    let data = &bytes[start..];
    check_shape(&header.shape, header.element, data.len())?;
    let values = header.element.decode(data, header.big_endian)?;
    let values = if header.fortran_order {
        match values {
            Values::Bytes(values) => Values::Bytes(row_major(&values, &header.shape)),
            Values::Integers(values) => Values::Integers(row_major(&values, &header.shape)),
            Values::Reals(values) => Values::Reals(row_major(&values, &header.shape)),
        }
    } else {
        values
    };
    Ok(Array { shape: header.shape, values })
}

/// What a `.npy` file says of its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NpyHeader {
    /// Their type.
    pub element: Element,
    /// Their byte order.
    pub big_endian: bool,
    /// Whether the first index runs fastest.
    pub fortran_order: bool,
    /// As the file has it: nothing says yet that so many numbers are there.
    pub shape: Vec<usize>,
}

impl NpyHeader {
    /// Reads the beginning of a file, and where the numbers begin.
    ///
    /// # Errors
    /// When it is no `.npy` file, ends within the header, or has records and no numbers.
    pub fn read(bytes: &[u8]) -> Result<(Self, usize), String> {
        let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or("not a .npy file")?;
        let (header_len, start) = match *rest {
            [1, 0, a, b, ..] => (u16::from_le_bytes([a, b]) as usize, 10),
            [2 | 3, 0, a, b, c, d, ..] => (u32::from_le_bytes([a, b, c, d]) as usize, 12),
            [1..=3, 0, ..] | [] | [_] => return Err("ends within the header".to_owned()),
            [major, minor, ..] => return Err(format!("version {major}.{minor} of .npy")),
        };
        let header = bytes[start..].get(..header_len).ok_or_else(|| {
            format!("byte {start}: a header of {header_len} bytes in a file of {}", bytes.len())
        })?;
        let header = std::str::from_utf8(header).map_err(|_| "header: not UTF-8")?;
        let header = Self::parse(header).map_err(|reason| format!("header: {reason}"))?;
        Ok((header, start + header_len))
    }

    /// Of a Python dictionary, `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`.
    fn parse(text: &str) -> Result<Self, String> {
        let inner = text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        let mut rest = inner.ok_or("not a dictionary")?.trim();
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        while !rest.is_empty() {
            let (key, after) = string(rest)?;
            rest = after
                .strip_prefix(':')
                .ok_or_else(|| format!("no `:` after `{key}`"))?
                .trim_start();
            match key {
                "descr" if !rest.starts_with('[') => {
                    let (text, after) = string(rest)?;
                    (descr, rest) = (Some(text), after);
                }
                "descr" => return Err("records of several values; known are numbers".to_owned()),
                "fortran_order" => {
                    let (word, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
                    fortran_order = Some(match word.trim() {
                        "True" => true,
                        "False" => false,
                        word => return Err(format!("fortran_order {}", quoted(word))),
                    });
                    rest = after;
                }
                "shape" => {
                    let tuple = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
                    let (tuple, after) = tuple.ok_or("a shape is a tuple")?;
                    let tuple = tuple.trim();
                    let sizes = tuple.strip_suffix(',').unwrap_or(tuple);
                    let sizes = sizes.split(',').filter(|_| !sizes.is_empty()).map(str::trim);
                    let sizes = sizes.map(|size| {
                        // Python 2 wrote `3L`.
                        let size = size.strip_suffix('L').unwrap_or(size);
                        size.parse::<usize>().map_err(|_| format!("size {}", quoted(size)))
                    });
                    shape = Some(sizes.collect::<Result<Vec<_>, _>>()?);
                    rest = after.trim_start();
                }
                _ => return Err(format!("unknown key {}", quoted(key))),
            }
            rest = match rest.strip_prefix(',') {
                Some(after) => after.trim_start(),
                None if rest.is_empty() => rest,
                None => return Err(format!("no `,` after `{key}`")),
            };
        }
        let descr = descr.ok_or("no descr")?;
        let (order, kind) = descr.split_at_checked(1).ok_or("empty descr")?;
        let element = match kind {
            "b1" => Element::Bool,
            "u1" => Element::U8,
            "u2" => Element::U16,
            "u4" => Element::U32,
            "u8" => Element::U64,
            "i1" => Element::I8,
            "i2" => Element::I16,
            "i4" => Element::I32,
            "i8" => Element::I64,
            "f2" => Element::F16,
            "f4" => Element::F32,
            "f8" => Element::F64,
            _ => return Err(format!("values of type {}; known are numbers", quoted(descr))),
        };
        if !(matches!(order, "<" | ">") || order == "|" && element.size() == 1) {
            return Err(format!("byte order {}", quoted(order)));
        }
        Ok(Self {
            element,
            big_endian: order == ">",
            fortran_order: fortran_order.ok_or("no fortran_order")?,
            shape: shape.ok_or("no shape")?,
        })
    }
}

/// A string in quotes without escapes, and what follows.
fn string(text: &str) -> Result<(&str, &str), String> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'));
    let inner = quote.and_then(|quote| text[1..].split_once(quote));
    let (inner, after) = inner.ok_or_else(|| format!("no string at {}", quoted(text)))?;
    Ok((inner, after.trim_start()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::CompressionMethod;
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    /// What `numpy.save` writes.
    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{header:117}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn header(descr: &str, order: &str, shape: &str) -> String {
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}")
    }

    fn array(shape: &[usize], values: Values) -> Array {
        Array { shape: shape.to_vec(), values }
    }

    #[test]
    fn both_orders_and_any_number_of_axes() {
        let expected = array(&[2, 3], Values::Bytes(vec![1, 2, 3, 4, 5, 6]));
        let c = npy(&header("|u1", "False", "(2, 3)"), &[1, 2, 3, 4, 5, 6]);
        assert_eq!(parse(&c).unwrap(), expected);
        let fortran = npy(&header("|u1", "True", "(2, 3)"), &[1, 4, 2, 5, 3, 6]);
        assert_eq!(parse(&fortran).unwrap(), expected);
        let fortran = npy(&header("<i2", "True", "(2, 1, 2)"), &[1, 0, 3, 0, 2, 0, 4, 0]);
        let expected = array(&[2, 1, 2], Values::Integers(vec![1, 2, 3, 4]));
        assert_eq!(parse(&fortran).unwrap(), expected);
        let big = npy(&header(">f4", "False", "(1L,)"), &0.5f32.to_be_bytes());
        assert_eq!(parse(&big).unwrap(), array(&[1], Values::Reals(vec![0.5])));
        let scalar = npy(&header("|b1", "False", "()"), &[1]);
        assert_eq!(parse(&scalar).unwrap(), array(&[], Values::Bytes(vec![1])));
        let none = npy(&header("<f8", "True", "(0, 7)"), &[]);
        assert_eq!(parse(&none).unwrap(), array(&[0, 7], Values::Reals(vec![])));
    }

    #[test]
    fn later_versions_have_longer_headers() {
        let first = npy(&header("|u1", "False", "(1,)"), &[9]);
        for version in [2, 3] {
            let mut bytes = first.clone();
            bytes[6] = version;
            bytes.splice(10..10, [0, 0]);
            assert_eq!(parse(&bytes).unwrap().values, Values::Bytes(vec![9]));
        }
    }

    #[test]
    fn what_a_header_promises_is_held_against_the_file() {
        let message = |descr, order, shape| {
            parse(&npy(&header(descr, order, shape), &[0; 8])).err().unwrap_or_default()
        };
        let short = message("<f8", "False", "(2,)");
        assert_eq!(short, "shape [2] of F64 does not fit into 8 bytes");
        let overflow = message("|u1", "False", "(9223372036854775807, 9223372036854775807)");
        assert!(overflow.ends_with("does not fit into 8 bytes"), "{overflow}");
        let axes = format!("({})", "1, ".repeat(65));
        assert_eq!(message("<f8", "False", &axes), "65 axes; at most 64 are known");
        assert_eq!(message("<f8", "False", "(-1,)"), "header: size `-1`");
        assert_eq!(message("<f8", "Maybe", "(1,)"), "header: fortran_order `Maybe`");
        assert_eq!(
            message("<U2", "False", "(1,)"),
            "header: values of type `<U2`; known are numbers"
        );
        assert_eq!(message("|f8", "False", "(1,)"), "header: byte order `|`");
        let record = "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}";
        let record = parse(&npy(record, &[0; 8])).unwrap_err();
        assert_eq!(record, "header: records of several values; known are numbers");
        assert_eq!(parse(&npy("{}", &[])).unwrap_err(), "header: no descr");
        assert_eq!(parse(b"PK").unwrap_err(), "not a .npy file");
        assert_eq!(parse(b"\x93NUMPY\x09\x00").unwrap_err(), "version 9.0 of .npy");
        assert_eq!(parse(b"\x93NUMPY\x01\x00\x01").unwrap_err(), "ends within the header");
        let long = parse(b"\x93NUMPY\x02\x00\xff\xff\xff\xff").unwrap_err();
        assert_eq!(long, "byte 12: a header of 4294967295 bytes in a file of 12");
    }

    fn npz(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            // `numpy.savez` does so for any size.
            let options = SimpleFileOptions::default().compression_method(method).large_file(true);
            writer.start_file(format!("{name}.npy"), options).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn arrays_of_an_archive_by_name() {
        let inputs = npy(&header("|u1", "True", "(2, 2)"), &[1, 3, 2, 4]);
        let labels =
            npy(&header("<i8", "False", "(2,)"), &[5, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let file = npz(&[("y", &labels), ("x", &inputs)], method);
            let found = parse_npz(&file, "x", "y", None).unwrap();
            assert_eq!(found.inputs, array(&[2, 2], Values::Bytes(vec![1, 2, 3, 4])));
            assert_eq!((found.labels, found.classes), (vec![1, 0], vec!["3".into(), "5".into()]));
            let message = parse_npz(&file, "x", "z", None).unwrap_err();
            assert_eq!(message, "no array `z`; there are `y`, `x`");
            let members = [("y".to_owned(), labels.clone()), ("x".to_owned(), inputs.clone())];
            assert_eq!(npz_members(&file).unwrap(), members);
        }
        assert!(parse_npz(&inputs, "x", "y", None).unwrap_err().starts_with("not a .npz file: "));
    }

    #[test]
    fn an_archive_that_unpacks_to_much_more_than_it_is_refused() {
        let zeros = vec![0; 64 << 20];
        let file = npz(&[("x", &zeros)], CompressionMethod::Deflated);
        let message = parse_npz(&file, "x", "y", None).unwrap_err();
        assert!(message.starts_with("array `x`: unpacks to more than "), "{message}");
    }
}
