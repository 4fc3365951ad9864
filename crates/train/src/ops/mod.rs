//! Operations with an explicit backward pass, where candle is wrong or slow.
//!
//! Feature maps are `[N, H, W, C]`: the channels of a pixel lie next to each other, so that every kernel is a loop over
//! channels that the compiler vectorises, whatever the size of the map. Weights keep PyTorch's layouts.
//!
//! Each operation has its shape rules, formula and backward pass in `mod.rs`, its loops for processors in `cpu.rs`, and for a
//! GPU its kernels in `kernels.cuh` and what starts them in `cuda.rs`. Results do not depend on the number of threads: work is
//! cut by its shape alone and partial sums are added in order, on either device; the two round differently.

mod activation;
mod batch_norm;
mod columns;
mod conv2d;
#[cfg(feature = "cuda")]
pub(crate) mod cuda;
mod linear;
mod parallel;
mod pool;
mod shortcut;
mod simd;
mod storage;

pub use activation::{Activation, close_relu, relu_in_place};
pub use batch_norm::{BatchNorm, BatchNormGradient, ChannelMoments, track};
pub(crate) use columns::columns;
pub use conv2d::Conv2d;
#[cfg(feature = "cuda")]
pub(crate) use cuda::{check_gpu, use_tf32};
pub use linear::Linear;
pub(crate) use parallel::for_chunks;
pub use pool::{GlobalMeanPool, MaxPool};
pub use shortcut::{ChannelPadding, accumulate};
pub(crate) use simd::Real;
pub(crate) use storage::{for_real, same_shape, slice, slice_mut};
