//! safetensors: the length of a header as u64, the header in JSON, then the bytes of the tensors, all little-endian.
//! See <https://huggingface.co/docs/safetensors/#format>.
//!
//! The header is read here because its offsets must be distrusted: the crate `safetensors` adds them unchecked.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::array::{Array, Element, LabelledArray, check_shape};
use super::table::{quoted, some_of};

/// The header of a safetensors file, which is JSON.
#[derive(Deserialize)]
pub struct TensorsHeader {
    #[serde(rename = "__metadata__")]
    _metadata: Option<IgnoredAny>,
    /// By name.
    #[serde(flatten)]
    pub tensors: BTreeMap<String, TensorEntry>,
}

/// What a header says of one tensor: nothing says yet that it is there.
#[derive(Debug, Clone, Deserialize)]
pub struct TensorEntry {
    /// The type of its numbers, such as `F32`.
    pub dtype: String,
    /// Row-major.
    pub shape: Vec<usize>,
    /// First byte and the one after the last, counted from the end of the header.
    pub data_offsets: (usize, usize),
}

impl TensorsHeader {
    /// Reads the JSON.
    ///
    /// # Errors
    /// When it is no such header.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(json).map_err(|error| format!("header: {error}"))
    }
}

impl TensorEntry {
    /// The type of its numbers, if they are numbers.
    ///
    /// # Errors
    /// When the type is not known.
    pub fn element(&self) -> Result<Element, String> {
        element(&self.dtype)
    }

    /// Whether as many numbers as the shape has take just the bytes that are theirs.
    ///
    /// # Errors
    /// When they do not.
    pub fn check(&self, element: Element) -> Result<(), String> {
        let (start, end) = self.data_offsets;
        let n_bytes = end.checked_sub(start).ok_or_else(|| format!("bytes {start} to {end}"))?;
        check_shape(&self.shape, element, n_bytes)
    }
}

/// Inputs and labels by the names of their tensors.
///
/// Holds at most 8 bytes for each value of the two, and some 100 for each byte of the header.
pub(crate) fn parse(
    bytes: &[u8],
    inputs: &str,
    labels: &str,
    known: Option<&[String]>,
) -> Result<LabelledArray, String> {
    let (header_len, rest) = bytes.split_first_chunk().ok_or("not a safetensors file")?;
    let header_len = u64::from_le_bytes(*header_len);
    let (header, data) = usize::try_from(header_len)
        .ok()
        .and_then(|len| rest.split_at_checked(len))
        .ok_or_else(|| format!("a header of {header_len} bytes in a file of {}", bytes.len()))?;
    let header = TensorsHeader::parse(header)?;
    let array = |name: &str| {
        let Some(entry) = header.tensors.get(name) else {
            let names: Vec<&String> = header.tensors.keys().collect();
            return Err(format!("no tensor {}; there are {}", quoted(name), some_of(&names)));
        };
        let (start, end) = entry.data_offsets;
        let values =
            data.get(start..end).ok_or_else(|| format!("bytes {start} to {end} of {}", data.len()));
        values
            .and_then(|bytes| {
                let element = entry.element()?;
                entry.check(element)?;
                let values = element.decode(bytes, false)?;
                Ok(Array { shape: entry.shape.clone(), values })
            })
            .map_err(|reason| format!("tensor {}: {reason}", quoted(name)))
    };
    LabelledArray::new(array(inputs)?, array(labels)?, known)
}

fn element(dtype: &str) -> Result<Element, String> {
    Ok(match dtype {
        "BOOL" => Element::Bool,
        "U8" => Element::U8,
        "U16" => Element::U16,
        "U32" => Element::U32,
        "U64" => Element::U64,
        "I8" => Element::I8,
        "I16" => Element::I16,
        "I32" => Element::I32,
        "I64" => Element::I64,
        "F16" => Element::F16,
        "BF16" => Element::BF16,
        "F32" => Element::F32,
        "F64" => Element::F64,
        _ => return Err(format!("values of type {}", quoted(dtype))),
    })
}

#[cfg(test)]
mod tests {
    use safetensors::Dtype;
    use safetensors::tensor::TensorView;

    use super::*;
    use crate::data::formats::array::Values;

    fn file(inputs: Dtype, shape: &[usize], bytes: &[u8], labels: &[u8]) -> Vec<u8> {
        let inputs = TensorView::new(inputs, shape.to_vec(), bytes).unwrap();
        let labels = TensorView::new(Dtype::U8, vec![labels.len()], labels).unwrap();
        let metadata = [("made".to_owned(), "here".to_owned())].into();
        safetensors::serialize([("x", inputs), ("y", labels)], Some(metadata)).unwrap()
    }

    #[test]
    fn tensors_by_name() {
        let bytes: Vec<u8> = [0.5f64, -1., 2., 3.].iter().flat_map(|v| v.to_le_bytes()).collect();
        let found = parse(&file(Dtype::F64, &[2, 1, 2], &bytes, &[4, 0]), "x", "y", None).unwrap();
        let values = Values::Reals(vec![0.5, -1., 2., 3.]);
        assert_eq!(found.inputs, Array { shape: vec![2, 1, 2], values });
        assert_eq!((found.labels, found.classes), (vec![1, 0], vec!["0".into(), "4".into()]));
        let found = parse(&file(Dtype::BF16, &[1, 1], &[0x80, 0x3f], &[0]), "x", "y", None);
        assert_eq!(found.unwrap().inputs.values, Values::Reals(vec![1.]));
    }

    #[test]
    fn errors_name_the_tensor() {
        let whole = file(Dtype::U8, &[2, 1], &[1, 2], &[0, 1]);
        let message = |bytes: &[u8], name| parse(bytes, name, "y", None).unwrap_err();
        assert_eq!(message(&whole, "z"), "no tensor `z`; there are `x`, `y`");
        assert_eq!(message(&whole, "__metadata__"), "no tensor `__metadata__`; there are `x`, `y`");
        assert_eq!(message(&whole[..whole.len() - 3], "x"), "tensor `x`: bytes 0 to 2 of 1");
        assert_eq!(message(b"PK", "x"), "not a safetensors file");
        assert_eq!(
            message(&[255; 9], "x"),
            format!("a header of {} bytes in a file of 9", u64::MAX)
        );
        let kind = file(Dtype::F8_E4M3, &[2, 1], &[1, 2], &[0, 1]);
        assert_eq!(message(&kind, "x"), "tensor `x`: values of type `F8_E4M3`");
    }

    #[test]
    fn offsets_that_add_up_to_more_than_there_is() {
        let message = |entry: &str| {
            let header = format!("{{\"x\":{entry}}}");
            let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
            bytes.extend(header.as_bytes());
            parse(&bytes, "x", "y", None).unwrap_err()
        };
        let huge = r#"{"dtype":"U8","shape":[1],"data_offsets":[18446744073709551614,18446744073709551615]}"#;
        assert!(message(huge).ends_with(" of 0"), "{}", message(huge));
        let backwards = r#"{"dtype":"U8","shape":[1],"data_offsets":[1,0]}"#;
        assert_eq!(message(backwards), "tensor `x`: bytes 1 to 0 of 0");
        let shape = r#"{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}"#;
        assert!(message(shape).ends_with("does not fit into 0 bytes"), "{}", message(shape));
    }
}
