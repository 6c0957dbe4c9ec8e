//! Programs under the software double of the driver: whichever call of a run fails.

#![allow(clippy::unwrap_used, clippy::panic)]

mod double;
#[path = "../../gpu/tests/struck/mod.rs"]
mod struck;

use struck::Vendor;
use tintype_accel::Driver;
use tintype_cuda::CudaDriver;

const VENDOR: Vendor = Vendor {
    open: |options| CudaDriver.open(0, options),
    query: "cuEventQuery",
    launch: &["cuLaunchKernel"],
    graph: &[
        "cuStreamBeginCaptureToGraph",
        "cuGraphCreate",
        "cuGraphConditionalHandleCreate",
        "cuGraphAddNode_v2",
        "cuStreamEndCapture",
        "cuGraphInstantiateWithFlags",
        "cuGraphUpload",
    ],
    replay: "cuGraphLaunch",
    load: &["cuModuleLoadData", "cuModuleGetFunction", "cuFuncGetAttribute", "cuFuncSetAttribute"],
    stays: false,
};
