//! The pipeline on the CUDA backend under the software double of the driver, which computes nothing but witnesses every call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../backends/cuda/tests/double/mod.rs"]
mod double;
mod driven;

use double::emulated;
use driven::Vendor;

const VENDOR: Vendor = Vendor {
    backend: "cuda",
    compiler: "NVRTC",
    capture: "cuStreamBeginCapture",
    replay: "cuGraphLaunch",
    upload: "cuGraphUpload",
    launch: &["cuLaunchKernel"],
    compile: None,
    query: "cuEventQuery",
    copy: "cuMemcpy",
    never: &[
        "cuStreamSynchronize",
        "cuCtxSynchronize",
        "cuStreamBeginCapture",
        "cuGraphInstantiate",
        "cuMemAlloc",
        "cuMemHostAlloc",
        "cuMemFree",
        "cuModuleLoad",
    ],
};

#[test]
fn in_graph_mode_a_step_is_one_launch_of_a_graph() {
    if emulated("in_graph_mode_a_step_is_one_launch_of_a_graph", "") {
        driven::in_graph_mode_a_step_is_one_launch_of_a_graph();
    }
}

#[test]
fn in_lazy_mode_a_step_is_one_launch_of_a_graph() {
    if emulated("in_lazy_mode_a_step_is_one_launch_of_a_graph", "") {
        driven::in_lazy_mode_a_step_is_one_launch_of_a_graph();
    }
}

#[test]
fn in_compiled_and_eager_mode_every_step_launches_the_same() {
    if emulated("in_compiled_and_eager_mode_every_step_launches_the_same", "") {
        driven::in_compiled_and_eager_mode_every_step_launches_the_same();
    }
}

#[test]
fn a_graph_that_is_refused_is_told_and_the_picture_is_made() {
    if emulated("a_graph_that_is_refused_is_told_and_the_picture_is_made", "") {
        driven::a_graph_that_is_refused_is_told_and_the_picture_is_made();
    }
}

#[test]
fn a_second_process_finds_every_kernel_on_disk() {
    if emulated("a_second_process_finds_every_kernel_on_disk", "") {
        driven::a_second_process_finds_every_kernel_on_disk("a_second_process_finds_every_kernel_on_disk");
    }
}
