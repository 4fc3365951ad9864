//! The doors by which `fuzz/` reaches the readers of formats.

use super::formats::delimited::LabelColumn;
use super::formats::text_table::{Header, TextTable};
use super::formats::{
    cifar_binary, cola, delimited, idx, mat, npy, parquet_images, parquet_table, tensors,
};

pub fn csv(bytes: &[u8]) {
    let parse = |table: Result<TextTable<'_>, String>, label| {
        let _ = table.and_then(|table| delimited::parse(&table, &label, None));
    };
    parse(TextTable::known(bytes, b',', true), LabelColumn::Name("label".to_owned()));
    parse(TextTable::known(bytes, b',', false), LabelColumn::Last);
    for header in [Header::Auto, Header::Yes, Header::No] {
        parse(TextTable::open(bytes, None, header, &[]), LabelColumn::Last);
        parse(TextTable::open(bytes, Some(b'\t'), header, &[]), LabelColumn::Last);
    }
}

pub fn mat(bytes: &[u8]) {
    let _ = mat::parse(bytes, "X", "y", None);
}

/// `.npy` and `.npz`.
pub fn npy(bytes: &[u8]) {
    let _ = npy::parse(bytes);
    let _ = npy::parse_npz(bytes, "x", "y", None);
}

pub fn safetensors(bytes: &[u8]) {
    let _ = tensors::parse(bytes, "x", "y", None);
}

pub fn parquet_table(bytes: &[u8]) {
    let _ = parquet_table::parse(bytes.to_vec().into(), "label", None);
}

pub fn cola(bytes: &[u8]) {
    let _ = cola::parse(bytes, 16);
}

pub fn idx(bytes: &[u8]) {
    let _ = idx::parse(bytes, 1);
    let _ = idx::parse(bytes, 3);
}

pub fn cifar_binary(bytes: &[u8]) {
    let _ = cifar_binary::parse(bytes, 1, 0);
    let _ = cifar_binary::parse(bytes, 2, 1);
}

pub fn parquet_images(bytes: &[u8]) {
    let columns = ("img", "label");
    let _ = parquet_images::parse(bytes.to_vec().into(), columns, [3, 32, 32]);
}
