//! What the system's allocator does with large tensors.

/// Makes glibc's allocator keep blocks of up to 32 MiB that are given back, instead of returning them to the system at once.
///
/// To be called at the beginning of `main`, before any thread is started; elsewhere than on Linux with glibc it does
/// nothing. A training step takes and returns the same large tensors again and again; by default each comes from the
/// system anew, page by page, which takes a sixth of the time of a step of ResNet-20.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const MOST: i32 = 32 << 20;
        // SAFETY: plain settings of the allocator; wrong values are refused.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, MOST);
            libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
            libc::mallopt(libc::M_TOP_PAD, MOST);
        }
    }
}
