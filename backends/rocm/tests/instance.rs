//! Programs under the software double of HIP: whichever call of a run fails.

#![allow(clippy::unwrap_used, clippy::panic)]

mod double;
#[path = "../../gpu/tests/struck/mod.rs"]
mod struck;

use struck::Vendor;
use tintype_accel::Driver;
use tintype_rocm::RocmDriver;

const VENDOR: Vendor = Vendor {
    open: |options| RocmDriver.open(0, options),
    query: "hipEventQuery",
    launch: &["hipModuleLaunchKernel", "hipblasLtMatmul"],
    graph: &[
        "hipStreamBeginCapture",
        "hipStreamEndCapture",
        "hipGraphInstantiateWithFlags",
        "hipGraphUpload",
    ],
    replay: "hipGraphLaunch",
    load: &["hipModuleLoadData", "hipModuleGetFunction", "hipFuncGetAttribute"],
    stays: true,
};
