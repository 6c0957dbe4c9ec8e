//! Which functions may be called when: before `cuInit`, after a sticky error, during a capture.

/// Functions that answer before `cuInit`.
pub fn before_init(name: &str) -> bool {
    matches!(name, "cuInit" | "cuDriverGetVersion" | "cuGetExportTable")
        || name.starts_with("cuGetError")
        || name.starts_with("cuGetProcAddress")
}

/// Functions that still work after a sticky error: what gives things back, and what says who one is.
pub fn after_sticky(name: &str) -> bool {
    let gives_back =
        ["Destroy", "Free", "Unload", "Unregister", "Release", "Reset", "PopCurrent", "SetCurrent"];
    before_init(name)
        || gives_back.iter().any(|word| name.contains(word))
        || matches!(name, "cuCtxGetCurrent" | "cuDeviceGet" | "cuDeviceGetCount" | "cuDeviceGetName")
}

/// Functions at which a fault that happened on the device surfaces.
pub fn surfaces(name: &str) -> bool {
    let words =
        ["Synchronize", "Query", "Launch", "memcpy", "Memcpy", "Memset", "cuMemFree_v2", "cuEventElapsed"];
    words.iter().any(|word| name.contains(word)) && name != "cuLaunchHostFunc"
}

/// Functions that a capture forbids on threads that are not relaxed: they may wait for the device or
/// move memory under the captured addresses. A longer list than the vendor's.
pub fn unsafe_in_capture(name: &str) -> bool {
    let synchronous_copy =
        (name.starts_with("cuMemcpy") || name.starts_with("cuMemset")) && !name.contains("Async");
    synchronous_copy
        || matches!(
            name,
            "cuMemAlloc_v2"
                | "cuMemFree_v2"
                | "cuMemHostAlloc"
                | "cuMemAllocHost_v2"
                | "cuMemFreeHost"
                | "cuMemHostRegister_v2"
                | "cuMemHostUnregister"
                | "cuMemPoolTrimTo"
                | "cuMemPoolDestroy"
                | "cuModuleLoadData"
                | "cuModuleLoadDataEx"
                | "cuModuleUnload"
                | "cuLibraryUnload"
                | "cuEventQuery"
                | "cuEventSynchronize"
                | "cuCtxCreate_v2"
                | "cuCtxDestroy_v2"
                | "cuCtxSetLimit"
                | "cuDevicePrimaryCtxReset_v2"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_calls_apart() {
        assert!(
            after_sticky("cuMemFreeAsync")
                && after_sticky("cuModuleUnload")
                && !after_sticky("cuMemAlloc_v2")
        );
        assert!(unsafe_in_capture("cuMemcpyDtoH_v2") && !unsafe_in_capture("cuMemcpyDtoHAsync_v2"));
        assert!(surfaces("cuGraphLaunch") && surfaces("cuStreamQuery") && !surfaces("cuMemAlloc_v2"));
    }
}
