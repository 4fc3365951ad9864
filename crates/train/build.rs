//! Compiles the kernels for the GPU, with the feature `cuda`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "cuda")]
    {
        for path in ["src/ops", "src/optimizer", "src/loss"] {
            println!("cargo::rerun-if-changed={path}");
        }
        // Included files count as well, which its own bookkeeping does not see.
        let kernels =
            cudaforge::KernelBuilder::new().source_files(["src/ops/kernels.cu"]).no_incremental();
        kernels.arg("-std=c++17").arg("-O3").build_ptx().expect("the kernels compile");
    }
}
