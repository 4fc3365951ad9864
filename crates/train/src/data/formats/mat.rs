//! MATLAB's MAT-files of level 5 (`save -v6` and `-v7`), as ODDS publishes them: a matrix of features and a vector of
//! labels. See "MAT-File Level 5 File Format" in MathWorks' "MAT-File Format".
//!
//! Read here: the crate `matfile` 0.5 calls itself alpha, and unpacks without a limit.

use flate2::read::ZlibDecoder;

use super::array::row_major;
use super::inflate;
use super::table::{LabelledTable, Labels, in_f32, quoted, some_of};

/// Features `[n × p]` and labels `[n × 1]` by the names of their variables, numbers of any type.
///
/// Unpacks variables within [`inflate::limit`], one at a time, and holds at most some 24 bytes for each of theirs.
pub(crate) fn parse(
    bytes: &[u8],
    features: &str,
    labels: &str,
    known: Option<&[String]>,
) -> Result<LabelledTable, String> {
    let order = byte_order(bytes)?;
    let (mut found_features, mut found_labels) = (None, None);
    let mut names = Vec::new();
    let mut elements = Elements { bytes, at: HEADER_LEN, order };
    while !elements.is_at_end() {
        let at = elements.at;
        let place = |reason: String| format!("variable at byte {at}: {reason}");
        let element = elements.next().map_err(place)?;
        let unpacked;
        let content = match element.kind {
            COMPRESSED => {
                unpacked = inflate::read_all(
                    ZlibDecoder::new(element.content),
                    inflate::limit(bytes.len()),
                )
                .map_err(place)?;
                let inner = Elements { bytes: &unpacked, at: 0, order }.next().map_err(place)?;
                if inner.kind != MATRIX {
                    return Err(place(format!("holds an element of type {}", inner.kind)));
                }
                inner.content
            }
            MATRIX => element.content,
            kind => return Err(place(format!("an element of type {kind}"))),
        };
        let variable = Variable::read(content, order).map_err(place)?;
        let in_variable = |reason| format!("variable {}: {reason}", quoted(&variable.name));
        if variable.name == features {
            let matrix = variable.matrix().map_err(in_variable)?;
            let sizes = (matrix.n_rows, matrix.n_columns);
            found_features = Some((sizes, matrix.rows().map_err(in_variable)?));
        }
        if variable.name == labels {
            let matrix = variable.matrix().map_err(in_variable)?;
            if matrix.n_rows.min(matrix.n_columns) != 1 {
                let sizes = format!("{} × {}", matrix.n_rows, matrix.n_columns);
                return Err(in_variable(format!("{sizes} values, not one column")));
            }
            let mut labels = Labels::new(known);
            for (row, value) in matrix.values.enumerate() {
                if !value.is_finite() {
                    return Err(in_variable(format!("row {}: {value} is not finite", row + 1)));
                }
                let label = labels.push(&value.to_string());
                label.map_err(|reason| in_variable(format!("row {}: {reason}", row + 1)))?;
            }
            found_labels = Some(labels.finish());
        }
        names.push(variable.name);
    }
    let missing =
        |name: &str| format!("no variable {}; there are {}", quoted(name), some_of(&names));
    let ((n_rows, n_features), features) = found_features.ok_or_else(|| missing(features))?;
    let (labels, classes) = found_labels.ok_or_else(|| missing(labels))?;
    if n_features == 0 || labels.len() != n_rows {
        return Err(format!("features {n_rows} × {n_features} with {} labels", labels.len()));
    }
    Ok(LabelledTable {
        features,
        n_features,
        columns: Vec::new(),
        labels,
        classes,
        notes: Vec::new(),
    })
}

const HEADER_LEN: usize = 128;

/// Types of data elements.
const INT8: u32 = 1;
const INT32: u32 = 5;
const UINT32: u32 = 6;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;

#[derive(Debug, Clone, Copy)]
enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// What the header says, if this is a file of level 5.
fn byte_order(bytes: &[u8]) -> Result<ByteOrder, String> {
    const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";
    if bytes.starts_with(b"MATLAB 7.3") || bytes.starts_with(HDF5) {
        let advice = "save it again with `save(file, '-v7')`, or as CSV";
        return Err(format!("a MAT-file of version 7.3, which is HDF5: {advice}"));
    }
    match bytes.get(HEADER_LEN - 4..HEADER_LEN) {
        Some([0, 1, b'I', b'M']) => Ok(ByteOrder::Little),
        Some([1, 0, b'M', b'I']) => Ok(ByteOrder::Big),
        _ => Err("not a MAT-file of level 5".to_owned()),
    }
}

/// Data elements one after the other.
struct Elements<'a> {
    bytes: &'a [u8],
    at: usize,
    order: ByteOrder,
}

struct Element<'a> {
    kind: u32,
    content: &'a [u8],
}

impl<'a> Elements<'a> {
    fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn next(&mut self) -> Result<Element<'a>, String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let cut = || format!("the file ends {} bytes after byte {}", rest.len(), self.at);
        let (first, after) = rest.split_first_chunk().ok_or_else(cut)?;
        let word = self.order.u32(*first);
        // In the small format one word has both, and at most four bytes follow.
        let (kind, len, after, padded) = if word >> 16 != 0 {
            (word & 0xffff, (word >> 16) as usize, after.get(..4).ok_or_else(cut)?, 8)
        } else {
            let (second, after) = after.split_first_chunk().ok_or_else(cut)?;
            let len = self.order.u32(*second) as usize;
            let padding = if word == COMPRESSED { 1 } else { 8 };
            (word, len, after, 8 + len.next_multiple_of(padding))
        };
        let content = after
            .get(..len)
            .ok_or_else(|| format!("{len} bytes at byte {} of {}", self.at, self.bytes.len()))?;
        self.at += padded;
        Ok(Element { kind, content })
    }

    /// The next element, which must be of a type.
    fn expect(&mut self, kind: u32, what: &str) -> Result<&'a [u8], String> {
        let element = self.next()?;
        if element.kind != kind {
            return Err(format!("{what} of type {}", element.kind));
        }
        Ok(element.content)
    }
}

/// A variable whose values are not yet looked at.
struct Variable<'a> {
    class: u8,
    is_complex: bool,
    sizes: &'a [u8],
    name: String,
    values: Elements<'a>,
}

impl<'a> Variable<'a> {
    fn read(content: &'a [u8], order: ByteOrder) -> Result<Self, String> {
        let mut elements = Elements { bytes: content, at: 0, order };
        let flags = elements.expect(UINT32, "flags")?;
        let flags = order.u32(*flags.first_chunk().ok_or("no flags")?);
        let class = flags as u8;
        // Objects of newer classes have no sizes.
        if class == OPAQUE {
            let name = String::new();
            return Ok(Self { class, is_complex: false, sizes: &[], name, values: elements });
        }
        let sizes = elements.expect(INT32, "sizes")?;
        let name = String::from_utf8_lossy(elements.expect(INT8, "a name")?).into_owned();
        Ok(Self { class, is_complex: flags & 0x0800 != 0, sizes, name, values: elements })
    }

    /// The values, if they are real numbers in two dimensions.
    fn matrix(&self) -> Result<Matrix<'a>, String> {
        let mut values = Elements { ..self.values };
        let class = match self.class {
            6..=15 => None,
            1 => Some("cell array"),
            2 => Some("structure"),
            3 | OPAQUE => Some("object"),
            4 => Some("text"),
            5 => Some("sparse matrix"),
            16 => Some("function"),
            _ => Some("value of an unknown class"),
        };
        if let Some(class) = class {
            return Err(format!("a {class}; known are full matrices of numbers"));
        }
        if self.is_complex {
            return Err("complex numbers".to_owned());
        }
        let size = |bytes: &[u8]| values.order.u32(bytes.try_into().expect("four bytes")) as usize;
        let sizes: Vec<usize> = self.sizes.chunks_exact(4).take(3).map(size).collect();
        let &[n_rows, n_columns] = &sizes[..] else {
            return Err("not two dimensions".to_owned());
        };
        let element = values.next()?;
        let values = numbers(&element, values.order)?;
        if n_rows.checked_mul(n_columns) != Some(values.len()) {
            return Err(format!("{} values for {n_rows} × {n_columns}", values.len()));
        }
        Ok(Matrix { n_rows, n_columns, values })
    }
}

const OPAQUE: u8 = 17;

/// Values column by column.
struct Matrix<'a> {
    n_rows: usize,
    n_columns: usize,
    values: Numbers<'a>,
}

type Numbers<'a> = Box<dyn ExactSizeIterator<Item = f64> + 'a>;

impl Matrix<'_> {
    /// The values row by row.
    fn rows(self) -> Result<Vec<f64>, String> {
        let values = self.values.enumerate().map(|(at, value)| {
            in_f32(value).ok_or_else(|| {
                let (row, column) = (at % self.n_rows + 1, at / self.n_rows + 1);
                format!("row {row}, column {column}: {value:e} is not finite in f32")
            })
        });
        let values: Vec<f64> = values.collect::<Result<_, _>>()?;
        Ok(row_major(&values, &[self.n_rows, self.n_columns]))
    }
}

/// MATLAB stores doubles that happen to be whole in the smallest type that has them all.
fn numbers<'a>(element: &Element<'a>, order: ByteOrder) -> Result<Numbers<'a>, String> {
    macro_rules! numbers {
        ($type:ty) => {
            Box::new(element.content.chunks_exact(size_of::<$type>()).map(move |bytes| {
                let bytes = bytes.try_into().expect("chunks are of the type's size");
                match order {
                    ByteOrder::Little => <$type>::from_le_bytes(bytes) as f64,
                    ByteOrder::Big => <$type>::from_be_bytes(bytes) as f64,
                }
            }))
        };
    }
    Ok(match element.kind {
        INT8 => numbers!(i8),
        2 => numbers!(u8),
        3 => numbers!(i16),
        4 => numbers!(u16),
        INT32 => numbers!(i32),
        UINT32 => numbers!(u32),
        7 => numbers!(f32),
        9 => numbers!(f64),
        12 => numbers!(i64),
        13 => numbers!(u64),
        kind => return Err(format!("values of type {kind}")),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;
    use crate::data::formats::delimited::{self, LabelColumn};
    use crate::data::formats::table::tests::published;
    use crate::data::formats::text_table::TextTable;

    /// Writes what MATLAB writes, in either byte order.
    #[derive(Clone, Copy)]
    struct Writer {
        big: bool,
    }

    impl Writer {
        fn word(self, value: u32) -> [u8; 4] {
            if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
        }

        fn file(self, variables: &[Vec<u8>]) -> Vec<u8> {
            let mut bytes = vec![b' '; 124];
            bytes.extend(if self.big { *b"\x01\x00MI" } else { *b"\x00\x01IM" });
            bytes.extend(variables.concat());
            bytes
        }

        fn element(self, kind: u32, content: &[u8]) -> Vec<u8> {
            let len = content.len() as u32;
            let mut bytes = if (1..=4).contains(&len) {
                [self.word(len << 16 | kind).as_slice(), content].concat()
            } else {
                [&self.word(kind), &self.word(len), content].concat()
            };
            if kind != COMPRESSED {
                bytes.resize(bytes.len().next_multiple_of(8), 0);
            }
            bytes
        }

        fn variable(
            self,
            class: u32,
            name: &str,
            sizes: &[u32],
            values: &[u8],
            kind: u32,
        ) -> Vec<u8> {
            let sizes: Vec<u8> = sizes.iter().flat_map(|&size| self.word(size)).collect();
            let flags = [self.word(class), self.word(0)].concat();
            let parts = [
                self.element(UINT32, &flags),
                self.element(INT32, &sizes),
                self.element(INT8, name.as_bytes()),
                self.element(kind, values),
            ];
            self.element(MATRIX, &parts.concat())
        }

        fn compressed(self, variable: &[u8]) -> Vec<u8> {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(variable).unwrap();
            self.element(COMPRESSED, &encoder.finish().unwrap())
        }

        fn doubles(self, values: &[f64]) -> Vec<u8> {
            let bytes =
                |&value: &f64| if self.big { value.to_be_bytes() } else { value.to_le_bytes() };
            values.iter().flat_map(bytes).collect()
        }

        fn x(self) -> Vec<u8> {
            self.variable(6, "X", &[2, 3], &self.doubles(&[1., 4., 2., 5., 3., 0.1]), 9)
        }

        fn y(self) -> Vec<u8> {
            self.variable(6, "y", &[2, 1], &[7, 0], 2)
        }
    }

    const WRITER: Writer = Writer { big: false };

    fn message(bytes: &[u8]) -> String {
        parse(bytes, "X", "y", None).unwrap_err()
    }

    #[test]
    fn both_byte_orders_packed_or_not() {
        for writer in [WRITER, Writer { big: true }] {
            let other = writer.variable(4, "readme", &[1, 2], b"a\0b\0", 4);
            for file in [
                writer.file(&[other.clone(), writer.x(), writer.y()]),
                writer.file(&[
                    writer.compressed(&writer.y()),
                    other,
                    writer.compressed(&writer.x()),
                ]),
            ] {
                let table = parse(&file, "X", "y", None).unwrap();
                assert_eq!(table.features, [1., 2., 3., 4., 5., 0.1]);
                assert_eq!((table.n_features, table.labels), (3, vec![1, 0]));
                assert_eq!(table.classes, ["0", "7"]);
            }
        }
    }

    #[test]
    fn all_storage_types() {
        let minus_two: [(u32, &[u8]); 6] = [
            (1, &(-2i8).to_le_bytes()),
            (3, &(-2i16).to_le_bytes()),
            (5, &(-2i32).to_le_bytes()),
            (7, &(-2f32).to_le_bytes()),
            (9, &(-2f64).to_le_bytes()),
            (12, &(-2i64).to_le_bytes()),
        ];
        let two: [(u32, &[u8]); 4] = [
            (2, &2u8.to_le_bytes()),
            (4, &2u16.to_le_bytes()),
            (6, &2u32.to_le_bytes()),
            (13, &2u64.to_le_bytes()),
        ];
        let y = WRITER.variable(9, "y", &[1, 1], &[1], 2);
        for (expected, stored) in [(-2., &minus_two[..]), (2., &two)] {
            for &(kind, bytes) in stored {
                let x = WRITER.variable(6, "X", &[1, 1], bytes, kind);
                let table = parse(&WRITER.file(&[x, y.clone()]), "X", "y", None).unwrap();
                assert_eq!(table.features, [expected]);
            }
        }
    }

    #[test]
    fn what_is_not_a_matrix_of_numbers_is_named() {
        for (class, name) in
            [(1, "cell array"), (2, "structure"), (4, "text"), (5, "sparse matrix")]
        {
            let x = WRITER.variable(class, "X", &[1, 1], &[1], 2);
            let expected = format!("variable `X`: a {name}; known are full matrices of numbers");
            assert_eq!(message(&WRITER.file(&[x])), expected);
        }
        let complex = WRITER.variable(6 | 0x0800, "X", &[1, 1], &[1], 2);
        assert_eq!(message(&WRITER.file(&[complex])), "variable `X`: complex numbers");
        let cube = WRITER.variable(6, "X", &[1, 1, 1], &[1], 2);
        assert_eq!(message(&WRITER.file(&[cube])), "variable `X`: not two dimensions");
        let hdf5 = message(b"MATLAB 7.3 MAT-file, Platform: GLNXA64");
        assert!(hdf5.starts_with("a MAT-file of version 7.3, which is HDF5: save it"), "{hdf5}");
        assert_eq!(message(b"PK"), "not a MAT-file of level 5");
    }

    #[test]
    fn errors_name_variable_and_place() {
        let (x, y) = (WRITER.x(), WRITER.y());
        assert_eq!(
            message(&WRITER.file(std::slice::from_ref(&x))),
            "no variable `y`; there are `X`"
        );
        let whole = WRITER.file(&[y.clone(), x.clone()]);
        let cut = message(&whole[..whole.len() - 9]);
        assert_eq!(cut, "variable at byte 184: 96 bytes at byte 184 of 279");
        let more = WRITER.variable(6, "X", &[u32::MAX, u32::MAX], &[1, 2], 2);
        let more = message(&WRITER.file(&[more]));
        assert_eq!(more, "variable `X`: 2 values for 4294967295 × 4294967295");
        let single = WRITER.variable(6, "y", &[1, 1], &[1], 2);
        let single = message(&WRITER.file(&[x.clone(), single]));
        assert_eq!(single, "features 2 × 3 with 1 labels");
        let square = WRITER.variable(6, "y", &[2, 2], &[1, 2, 3, 4], 2);
        let square = message(&WRITER.file(&[x.clone(), square]));
        assert_eq!(square, "variable `y`: 2 × 2 values, not one column");
        let values = WRITER.doubles(&[1., 2., 3., f64::NAN]);
        let nan = WRITER.variable(6, "X", &[2, 2], &values, 9);
        let nan = message(&WRITER.file(&[nan]));
        assert_eq!(nan, "variable `X`: row 2, column 2: NaN is not finite in f32");
        let known = ["7".to_owned()];
        let unknown = parse(&whole, "X", "y", Some(&known)).unwrap_err();
        assert_eq!(unknown, "variable `y`: row 2: unknown class `0`; known are `7`");
        let mut damaged = WRITER.file(&[WRITER.compressed(&x)]);
        let last = damaged.len() - 1;
        damaged[last] ^= 1;
        assert!(message(&damaged).starts_with("variable at byte 128: "), "{}", message(&damaged));
    }

    #[test]
    fn a_variable_that_unpacks_to_much_more_than_the_file_is_refused() {
        let file = WRITER.file(&[WRITER.compressed(&vec![0; 64 << 20])]);
        let message = message(&file);
        assert!(message.starts_with("variable at byte 128: unpacks to more than "), "{message}");
    }

    /// `NOISESCOPE_TEST_DATA=… cargo test --release -p noisescope-train --lib -- --ignored published`
    #[test]
    #[ignore = "needs published data"]
    fn odds_as_published_equals_the_csv() {
        for (name, n_rows, n_features, n_outliers) in
            [("ionosphere", 351, 33, 126), ("cardio", 1831, 21, 176), ("musk", 3062, 166, 97)]
        {
            let mat = published(&format!("odds/{name}.mat"));
            let csv = published(&format!("odds/{name}.csv"));
            let mat = parse(&mat, "X", "y", None).unwrap();
            assert_eq!((mat.labels.len(), mat.n_features), (n_rows, n_features));
            assert_eq!(mat.labels.iter().filter(|&&label| label == 1).count(), n_outliers);
            let label = LabelColumn::Name("label".to_owned());
            let csv = TextTable::known(&csv, b',', true).unwrap();
            let csv = delimited::parse(&csv, &label, None).unwrap();
            assert_eq!((&mat.labels, &mat.classes), (&csv.labels, &csv.classes));
            let different = mat.features.iter().zip(&csv.features).filter(|(a, b)| a != b).count();
            assert_eq!((mat.features.len(), different), (csv.features.len(), 0));
        }
    }
}
