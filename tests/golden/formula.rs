// The formula that weights and batches of golden values are made by; `networks/make_golden.py` has it in words.

use candle_core::{DType, Device, Tensor};

/// The 64 bits of element i of the tensor of that name.
pub fn bits(name: &str, i: u64) -> u64 {
    let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, fnv);
    let mut z = hash.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Element i in [−1, 1).
pub fn value(name: &str, i: u64) -> f32 {
    (bits(name, i) >> 40) as f32 / 8_388_608. - 1.
}

/// Elements in [−1, 1).
pub fn values(name: &str, shape: &[usize], dtype: DType) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<f32> = (0..n as u64).map(|i| value(name, i)).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
}

/// Labels of ten classes.
pub fn labels(n: usize) -> Vec<u32> {
    (0..n as u64).map(|i| (bits("labels", i) % 10) as u32).collect()
}

/// A parameter or buffer of that name.
pub fn parameter(name: &str, like: &Tensor, dtype: DType) -> Tensor {
    if name.ends_with("num_batches_tracked") {
        return Tensor::new(3i64, &Device::Cpu).unwrap();
    }
    let dims = like.dims();
    let of: Box<dyn Fn(f32) -> f32> = if dims.len() > 1 {
        let fan_in: usize = dims[1..].iter().product();
        let j = (0..).find(|&j| fan_in <= 12 << (2 * j)).unwrap();
        Box::new(move |v| v / (1u64 << j) as f32)
    } else if name.ends_with("weight") || name.ends_with("running_var") {
        Box::new(|v| 1. + v / 4.)
    } else {
        Box::new(|v| v / 8.)
    };
    let values: Vec<f32> = (0..like.elem_count() as u64).map(|i| of(value(name, i))).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
}
