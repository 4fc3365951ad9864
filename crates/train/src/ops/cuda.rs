//! Between candle's tensors on a GPU and the kernels in `kernels.cu`.
//!
//! Everything goes through the one stream of the device, so that nothing has to wait for anything else but its turn, and
//! nothing depends on which thread asked for it.

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::cublas::{
    CudaBlas, Gemm, GemmConfig, StridedBatchedConfig, sys::cublasOperation_t as Operation,
};
use candle_core::cuda_backend::cudarc::driver::{
    CudaSlice, CudaView, CudaViewMut, DeviceRepr, LaunchConfig, ValidAsZeroBits,
};
use candle_core::cuda_backend::{CudaDType, CudaDevice, CudaStorage, WrapErr};
use candle_core::{Layout, Result, bail};

use super::simd::Real;

/// The kernels of all operations, for both types of numbers.
pub const KERNELS: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.ptx"));

/// Threads of a block, `BLOCK` of the kernels.
const BLOCK: u32 = 256;

/// Blocks of a kernel that goes through numbers one by one, at most.
const MOST_BLOCKS: u64 = 1 << 16;

/// The scalars that there are kernels for.
pub trait CudaReal: Real + CudaDType + DeviceRepr + ValidAsZeroBits {
    /// What the names of their kernels end in.
    const SUFFIX: &'static str;

    /// cuBLAS's product of them.
    ///
    /// # Safety
    /// The matrices that the configuration speaks of lie in their views.
    unsafe fn gemm(
        blas: &CudaBlas,
        config: StridedBatchedConfig<Self>,
        factors: [&CudaView<'_, Self>; 2],
        output: &mut CudaViewMut<'_, Self>,
    ) -> Result<()>;
}

macro_rules! cuda_real {
    ($T:ty, $suffix:literal) => {
        impl CudaReal for $T {
            const SUFFIX: &'static str = $suffix;

            unsafe fn gemm(
                blas: &CudaBlas,
                config: StridedBatchedConfig<Self>,
                [a, b]: [&CudaView<'_, Self>; 2],
                output: &mut CudaViewMut<'_, Self>,
            ) -> Result<()> {
                // SAFETY: the caller's promise.
                unsafe {
                    if config.batch_size == 1 {
                        blas.gemm(config.gemm, a, b, output).w()
                    } else {
                        blas.gemm_strided_batched(config, a, b, output).w()
                    }
                }
            }
        }
    };
}

cuda_real!(f32, "f32");
cuda_real!(f64, "f64");

/// The elements of a contiguous tensor on a GPU.
pub struct Numbers<'a, T> {
    pub device: &'a CudaDevice,
    pub view: CudaView<'a, T>,
}

impl<'a, T: CudaDType> Numbers<'a, T> {
    pub fn of(storage: &'a CudaStorage, layout: &Layout) -> Result<Self> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("the tensor is not contiguous");
        };
        let view = storage.as_cuda_slice::<T>()?.slice(start..end);
        Ok(Self { device: storage.device(), view })
    }

    pub fn len(&self) -> usize {
        self.view.len()
    }
}

/// Room for numbers, whatever they are.
pub fn room<T: DeviceRepr>(device: &CudaDevice, len: usize) -> Result<CudaSlice<T>> {
    // SAFETY: whoever asks for room fills it before it is read.
    unsafe { device.alloc(len) }
}

/// Places in a matrix, on the device.
pub fn upload(device: &CudaDevice, positions: &[usize]) -> Result<CudaSlice<u32>> {
    let positions: Vec<u32> = positions.iter().map(|&position| position as u32).collect();
    device.clone_htod(&positions)
}

/// Whether the GPU takes the kernels.
pub fn check_gpu(device: &CudaDevice) -> Result<()> {
    device.get_or_load_custom_func("accumulate_f32", "noisescope", KERNELS).map(drop)
}

/// Whether products of `f32`, ours and candle's, may go through tensor cores.
pub fn use_tf32(device: &CudaDevice, tf32: bool) -> Result<()> {
    use candle_core::cuda_backend::cudarc::cublas::sys;
    candle_core::cuda_backend::set_gemm_reduced_precision_f32(tf32);
    let mode = match tf32 {
        true => sys::cublasMath_t::CUBLAS_TF32_TENSOR_OP_MATH,
        false => sys::cublasMath_t::CUBLAS_DEFAULT_MATH,
    };
    // SAFETY: the handle lives as long as the device.
    unsafe { sys::cublasSetMathMode(*device.cublas_handle().handle(), mode) }.result().w()
}

/// So many blocks, in up to three dimensions.
pub fn blocks(grid_dim: (usize, usize, usize)) -> LaunchConfig {
    let grid_dim = (grid_dim.0 as u32, grid_dim.1 as u32, grid_dim.2 as u32);
    LaunchConfig { grid_dim, block_dim: (BLOCK, 1, 1), shared_mem_bytes: 0 }
}

/// A thread for each of `n` numbers, or several numbers for each where there are very many.
pub fn each(n: usize) -> LaunchConfig {
    let n_blocks = (n as u64).div_ceil(u64::from(BLOCK)).clamp(1, MOST_BLOCKS);
    blocks((n_blocks as usize, 1, 1))
}

/// Starts a kernel: `launch!(T, device, "name", each(n); arguments)`. Arguments are scalars and views, in the order and of
/// the types that the kernel in `kernels.cuh` says; that is what makes it safe.
macro_rules! launch {
    ($T:ty, $device:expr, $name:expr, $blocks:expr; $($argument:expr),+ $(,)?) => {{
        use candle_core::cuda_backend::WrapErr;
        use candle_core::cuda_backend::cudarc::driver::PushKernelArg;
        let name = format!("{}_{}", $name, <$T as $crate::ops::cuda::CudaReal>::SUFFIX);
        let kernel =
            $device.get_or_load_custom_func(&name, "noisescope", $crate::ops::cuda::KERNELS)?;
        let mut launch = kernel.builder();
        $crate::ops::cuda::arguments!(launch, $($argument),+);
        // SAFETY: see above.
        unsafe { launch.launch($blocks) }.w()?;
    }};
}

macro_rules! arguments {
    ($launch:ident, $($argument:expr),+) => {
        $(
            let argument = &$argument;
            $launch.arg(argument);
        )+
    };
}

pub(crate) use {arguments, launch};

/// `A B`, or as many products as `batch` says, row by row as everywhere but in cuBLAS.
pub struct Product {
    /// Rows of A, columns of A, columns of B.
    pub sizes: [usize; 3],
    /// Which factor is stored transposed.
    pub transposed: [bool; 2],
    /// Whether the product is added to what is there.
    pub add: bool,
    /// How many products, whose matrices follow each other in memory.
    pub n_products: usize,
}

impl Product {
    /// Writes the product into `output`.
    pub fn run<T: CudaReal>(
        &self,
        device: &CudaDevice,
        a: &CudaView<'_, T>,
        b: &CudaView<'_, T>,
        output: &mut CudaViewMut<'_, T>,
    ) -> Result<()> {
        let [n, k, m] = self.sizes;
        let lengths = [n * k, k * m, n * m].map(|len| len * self.n_products);
        if lengths != [a.len(), b.len(), output.len()] {
            bail!("a product of {:?} with {} and {} numbers", self.sizes, a.len(), b.len());
        }
        if lengths[2] == 0 {
            return Ok(());
        }
        // cuBLAS goes by columns: it is asked for the transposed product, Bᵀ Aᵀ, of matrices that it sees transposed.
        let operation = |transposed: bool| match transposed {
            true => Operation::CUBLAS_OP_T,
            false => Operation::CUBLAS_OP_N,
        };
        let sides = |rows: usize, columns: usize, transposed: bool| {
            (if transposed { rows } else { columns }) as i32
        };
        let gemm = GemmConfig {
            transa: operation(self.transposed[1]),
            transb: operation(self.transposed[0]),
            m: m as i32,
            n: n as i32,
            k: k as i32,
            alpha: T::one(),
            lda: sides(k, m, self.transposed[1]),
            ldb: sides(n, k, self.transposed[0]),
            beta: if self.add { T::one() } else { T::zero() },
            ldc: m as i32,
        };
        let config = StridedBatchedConfig {
            gemm,
            batch_size: self.n_products as i32,
            stride_a: (k * m) as i64,
            stride_b: (n * k) as i64,
            stride_c: (n * m) as i64,
        };
        // SAFETY: the matrices have the lengths that were compared above.
        unsafe { T::gemm(&device.cublas_handle(), config, [b, a], output) }
    }
}
