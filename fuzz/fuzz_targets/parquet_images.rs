#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| train::data::fuzzing::parquet_images(bytes));
