//! How memory is got from the system.

/// Lets the process keep memory that it freed, where the C library would hand large pieces back and ask
/// for them anew: a step makes and drops tensors of many megabytes, and the pages of each would be
/// cleared again. One arena holds pieces of any size, where those of threads would not. What other
/// systems and libraries do stays as it is.
pub(crate) fn keep_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (parameter, value) in [
        (libc::M_ARENA_MAX, 1),
        (libc::M_MMAP_THRESHOLD, i32::MAX),
        (libc::M_TRIM_THRESHOLD, i32::MAX),
    ] {
        // SAFETY: called before other threads are made, with parameters that the library knows; one
        // that it refuses stays as it was.
        unsafe {
            libc::mallopt(parameter, value);
        }
    }
}
