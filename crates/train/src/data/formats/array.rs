//! Arrays of numbers of any shape, and the pair of them that makes a data set.

use super::table::{Labels, in_f32};

/// Values of an array, row-major.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    /// Of bytes, and of yes (1) and no (0).
    Bytes(Vec<u8>),
    /// Of all other whole numbers.
    Integers(Vec<i64>),
    /// Of floating-point numbers; all finite in `f32`.
    Reals(Vec<f64>),
}

/// As stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array {
    /// The first axis counts samples.
    pub shape: Vec<usize>,
    /// As many as the product of the shape.
    pub values: Values,
}

/// Inputs of any shape with one label per sample.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LabelledArray {
    /// `[n_samples, …]`.
    pub inputs: Array,
    /// One label per sample.
    pub labels: Vec<u32>,
    /// Names of the classes, by label.
    pub classes: Vec<String>,
}

impl LabelledArray {
    /// Holds the two against each other. Labels are whole numbers, `[n]` or `[n, 1]`.
    pub(crate) fn new(
        inputs: Array,
        labels: Array,
        known: Option<&[String]>,
    ) -> Result<Self, String> {
        let n_samples = match labels.shape[..] {
            [n_samples] | [n_samples, 1] => n_samples,
            _ => return Err(format!("labels of shape {:?}, not [n]", labels.shape)),
        };
        if inputs.shape.len() < 2 || inputs.shape[0] != n_samples {
            return Err(format!("inputs of shape {:?} with {n_samples} labels", inputs.shape));
        }
        let mut found = Labels::new(known);
        let mut push = |row: usize, label: String| {
            found.push(&label).map_err(|reason| format!("label {}: {reason}", row + 1))
        };
        match &labels.values {
            Values::Bytes(values) => {
                values.iter().enumerate().try_for_each(|(row, value)| push(row, value.to_string()))
            }
            Values::Integers(values) => {
                values.iter().enumerate().try_for_each(|(row, value)| push(row, value.to_string()))
            }
            Values::Reals(values) => values.iter().enumerate().try_for_each(|(row, value)| {
                if value.fract() != 0. {
                    return Err(format!("label {}: {value} is not a whole number", row + 1));
                }
                push(row, value.to_string())
            }),
        }?;
        let (labels, classes) = found.finish();
        Ok(Self { inputs, labels, classes })
    }
}

/// The type of the elements of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// A byte, 0 or 1.
    Bool,
    /// Whole, from 0.
    U8,
    /// Whole, from 0.
    U16,
    /// Whole, from 0.
    U32,
    /// Whole, from 0.
    U64,
    /// Whole.
    I8,
    /// Whole.
    I16,
    /// Whole.
    I32,
    /// Whole.
    I64,
    /// Half precision of IEEE 754.
    F16,
    /// The upper half of single precision.
    BF16,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl Element {
    /// The number that these bytes are, as many as [`size`](Self::size) says, to the nearest `f64`.
    ///
    /// # Panics
    /// For another number of bytes.
    pub fn value(self, bytes: &[u8], big_endian: bool) -> f64 {
        macro_rules! number {
            ($type:ty) => {{
                let bytes = bytes.try_into().expect("as many bytes as the type has");
                match big_endian {
                    true => <$type>::from_be_bytes(bytes),
                    false => <$type>::from_le_bytes(bytes),
                }
            }};
        }
        match self {
            Self::Bool | Self::U8 => f64::from(number!(u8)),
            Self::U16 => f64::from(number!(u16)),
            Self::U32 => f64::from(number!(u32)),
            Self::U64 => number!(u64) as f64,
            Self::I8 => f64::from(number!(i8)),
            Self::I16 => f64::from(number!(i16)),
            Self::I32 => f64::from(number!(i32)),
            Self::I64 => number!(i64) as f64,
            Self::F16 => f64::from(number!(half::f16)),
            Self::BF16 => f64::from(number!(half::bf16)),
            Self::F32 => f64::from(number!(f32)),
            Self::F64 => number!(f64),
        }
    }

    /// Bytes that one takes.
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 | Self::BF16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Makes values of bytes, in the order they have. Holds at most 32 bytes for each.
    pub(crate) fn decode(self, bytes: &[u8], big_endian: bool) -> Result<Values, String> {
        macro_rules! numbers {
            ($type:ty) => {
                bytes.chunks_exact(self.size()).map(|bytes| {
                    let bytes = bytes.try_into().expect("chunks are of the type's size");
                    if big_endian {
                        <$type>::from_be_bytes(bytes)
                    } else {
                        <$type>::from_le_bytes(bytes)
                    }
                })
            };
        }
        macro_rules! integers {
            ($type:ty) => {
                Ok(Values::Integers(numbers!($type).map(i64::from).collect()))
            };
        }
        match self {
            Self::Bool => match bytes.iter().position(|&byte| byte > 1) {
                Some(at) => Err(format!("value {}: {} is not a boolean", at + 1, bytes[at])),
                None => Ok(Values::Bytes(bytes.to_vec())),
            },
            Self::U8 => Ok(Values::Bytes(bytes.to_vec())),
            Self::U16 => integers!(u16),
            Self::U32 => integers!(u32),
            Self::U64 => {
                let values = numbers!(u64).enumerate().map(|(at, value)| {
                    i64::try_from(value)
                        .map_err(|_| format!("value {}: {value} is above {}", at + 1, i64::MAX))
                });
                Ok(Values::Integers(values.collect::<Result<_, _>>()?))
            }
            Self::I8 => integers!(i8),
            Self::I16 => integers!(i16),
            Self::I32 => integers!(i32),
            Self::I64 => integers!(i64),
            Self::F16 => reals(numbers!(half::f16).map(f64::from)),
            Self::BF16 => reals(numbers!(half::bf16).map(f64::from)),
            Self::F32 => reals(numbers!(f32).map(f64::from)),
            Self::F64 => reals(numbers!(f64)),
        }
    }
}

fn reals(values: impl Iterator<Item = f64>) -> Result<Values, String> {
    let values = values.enumerate().map(|(at, value)| {
        in_f32(value).ok_or_else(|| format!("value {}: {value:e} is not finite in f32", at + 1))
    });
    Ok(Values::Reals(values.collect::<Result<_, _>>()?))
}

/// Whether as many values as a shape has take just `n_bytes`.
pub(crate) fn check_shape(shape: &[usize], element: Element, n_bytes: usize) -> Result<(), String> {
    const MOST_AXES: usize = 64;
    if shape.len() > MOST_AXES {
        return Err(format!("{} axes; at most {MOST_AXES} are known", shape.len()));
    }
    let mut sizes = shape.iter();
    let expected = sizes.try_fold(element.size(), |product, &size| product.checked_mul(size));
    if expected != Some(n_bytes) {
        return Err(format!("shape {shape:?} of {element:?} does not fit into {n_bytes} bytes"));
    }
    Ok(())
}

/// Values in the order of Fortran and MATLAB, where the first index runs fastest, as row-major ones.
pub(crate) fn row_major<T: Copy>(values: &[T], shape: &[usize]) -> Vec<T> {
    let mut index = vec![0; shape.len()];
    let mut at = 0;
    let mut next = || {
        let value = values[at];
        let mut stride = values.len();
        for (idx, &size) in index.iter_mut().zip(shape).rev() {
            stride /= size;
            *idx += 1;
            at += stride;
            if *idx < size {
                break;
            }
            at -= size * stride;
            *idx = 0;
        }
        value
    };
    (0..values.len()).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode<const N: usize>(element: Element, little: [u8; N]) -> Result<Values, String> {
        let mut big = little;
        big.chunks_exact_mut(element.size()).for_each(<[u8]>::reverse);
        let values = element.decode(&little, false);
        assert_eq!(values, element.decode(&big, true));
        let one_by_one = |bytes: &[u8], big_endian| -> Vec<f64> {
            bytes
                .chunks_exact(element.size())
                .map(|bytes| element.value(bytes, big_endian))
                .collect()
        };
        let all: Option<Vec<f64>> = values.as_ref().ok().map(|values| match values {
            Values::Bytes(values) => values.iter().map(|&value| value.into()).collect(),
            Values::Integers(values) => values.iter().map(|&value| value as f64).collect(),
            Values::Reals(values) => values.clone(),
        });
        if let Some(all) = all {
            assert_eq!((one_by_one(&little, false), one_by_one(&big, true)), (all.clone(), all));
        }
        values
    }

    #[test]
    fn all_types_in_both_byte_orders() {
        use Values::{Bytes, Integers, Reals};
        assert_eq!(decode(Element::Bool, [0, 1]), Ok(Bytes(vec![0, 1])));
        assert_eq!(decode(Element::U8, [0, 255]), Ok(Bytes(vec![0, 255])));
        assert_eq!(decode(Element::I8, [1, 255]), Ok(Integers(vec![1, -1])));
        assert_eq!(decode(Element::U16, [1, 0, 254, 255]), Ok(Integers(vec![1, 65534])));
        assert_eq!(decode(Element::I16, [1, 0, 254, 255]), Ok(Integers(vec![1, -2])));
        assert_eq!(decode(Element::U32, [255; 4]), Ok(Integers(vec![u32::MAX.into()])));
        assert_eq!(decode(Element::I32, [255; 4]), Ok(Integers(vec![-1])));
        assert_eq!(decode(Element::U64, 7u64.to_le_bytes()), Ok(Integers(vec![7])));
        assert_eq!(decode(Element::I64, i64::MIN.to_le_bytes()), Ok(Integers(vec![i64::MIN])));
        assert_eq!(decode(Element::F16, [0, 0x3c, 0, 0xc0]), Ok(Reals(vec![1., -2.])));
        assert_eq!(decode(Element::BF16, [0x80, 0x3f, 0, 0xc0]), Ok(Reals(vec![1., -2.])));
        assert_eq!(decode(Element::F32, 0.1f32.to_le_bytes()), Ok(Reals(vec![0.1f32.into()])));
        assert_eq!(decode(Element::F64, 0.1f64.to_le_bytes()), Ok(Reals(vec![0.1])));
    }

    #[test]
    fn values_without_a_counterpart_are_named() {
        let message = |result: Result<Values, String>| result.unwrap_err();
        assert_eq!(message(decode(Element::Bool, [0, 2])), "value 2: 2 is not a boolean");
        let large = message(decode(Element::U64, [255; 8]));
        assert_eq!(large, "value 1: 18446744073709551615 is above 9223372036854775807");
        let nan = message(decode(Element::F16, [0, 0, 0, 0x7e]));
        assert_eq!(nan, "value 2: NaN is not finite in f32");
        let large = message(decode(Element::F64, 1e39f64.to_le_bytes()));
        assert_eq!(large, "value 1: 1e39 is not finite in f32");
    }

    #[test]
    fn the_first_index_runs_fastest_in_fortran_order() {
        assert_eq!(row_major(&[0, 1, 2, 3, 4, 5], &[2, 3]), [0, 2, 4, 1, 3, 5]);
        let cube = row_major(&[0, 1, 2, 3, 4, 5, 6, 7], &[2, 2, 2]);
        assert_eq!(cube, [0, 4, 2, 6, 1, 5, 3, 7]);
    }

    #[test]
    fn labels_belong_to_inputs() {
        let array = |shape: &[usize], values| Array { shape: shape.to_vec(), values };
        let inputs = array(&[3, 1], Values::Bytes(vec![7, 8, 9]));
        let pair = |labels| LabelledArray::new(inputs.clone(), labels, None);
        let found = pair(array(&[3, 1], Values::Integers(vec![5, -1, 5]))).unwrap();
        assert_eq!((found.labels, found.classes), (vec![1, 0, 1], vec!["-1".into(), "5".into()]));
        let found = pair(array(&[3], Values::Reals(vec![0., 2., 0.]))).unwrap();
        assert_eq!(found.classes, ["0", "2"]);
        let message = pair(array(&[3], Values::Reals(vec![0., 0.5, 0.]))).unwrap_err();
        assert_eq!(message, "label 2: 0.5 is not a whole number");
        let message = pair(array(&[2], Values::Bytes(vec![0, 1]))).unwrap_err();
        assert_eq!(message, "inputs of shape [3, 1] with 2 labels");
        let message = pair(array(&[1, 3], Values::Bytes(vec![0, 1, 2]))).unwrap_err();
        assert_eq!(message, "labels of shape [1, 3], not [n]");
        let labels = array(&[3], Values::Bytes(vec![0, 1, 2]));
        let known = ["0".to_owned(), "1".to_owned()];
        let message = LabelledArray::new(inputs.clone(), labels, Some(&known)).unwrap_err();
        assert_eq!(message, "label 3: unknown class `2`; known are `0`, `1`");
    }
}
