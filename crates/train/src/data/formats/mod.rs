//! The formats that data come in: each a pure function of the bytes of a file, with one line for what is wrong in it.

pub(super) mod array;
mod cell;
pub(super) mod cifar_binary;
pub(super) mod cola;
pub(super) mod delimited;
pub(super) mod idx;
pub(super) mod image_folder;
mod inflate;
pub(super) mod mat;
pub(super) mod npy;
pub mod pandas;
pub(super) mod parquet_images;
pub mod parquet_numbers;
mod parquet_pages;
pub(super) mod parquet_table;
pub(super) mod png_image;
pub(super) mod table;
pub(super) mod tensors;
pub(super) mod text_table;
