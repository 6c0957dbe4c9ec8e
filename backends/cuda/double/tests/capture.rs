//! Captures: what goes in, what is refused, what a replay needs.

mod support;

use support::{Driver, ready};

const GLOBAL: u64 = 0;
const THREAD_LOCAL: u64 = 1;
const RELAXED: u64 = 2;

fn ended(driver: &Driver, stream: u64, status: u32) -> u64 {
    let mut graph = 1u64;
    driver.fails("cuStreamEndCapture", &[stream, &raw mut graph as u64], status);
    graph
}

#[test]
fn a_capture_is_replayed() {
    let (driver, stream) = ready("");
    let (_, tile) = driver.probe("tile");
    let memory = driver.made("cuMemAlloc_v2", &[4096]);
    let back = driver.pinned(4);
    driver.ok("cuStreamBeginCapture_v2", &[stream, GLOBAL]);
    driver.ok("cuMemsetD8Async", &[memory, 5, 4, stream]);
    assert_eq!(driver.launch(tile, (1, 256), stream, &[memory]), 0);
    driver.ok("cuMemcpyDtoHAsync_v2", &[back.as_mut_ptr() as u64, memory, 4, stream]);
    let graph = ended(&driver, stream, 0);
    let exec = driver.made("cuGraphInstantiateWithFlags", &[graph, 0]);
    driver.ok("cuGraphDestroy", &[graph]);
    for _ in 0..2 {
        back.fill(0);
        driver.ok("cuGraphLaunch", &[exec, stream]);
        driver.ok("cuStreamSynchronize", &[stream]);
        assert_eq!(back, [5; 4]);
    }
    assert_eq!(driver.json("tintype_double_counts")["totals"]["kernels_run"], 2);
    driver.ok("cuMemFree_v2", &[memory]);
    driver.fails("cuGraphLaunch", &[exec, stream], 700);
    assert!(driver.last().contains("node 0: ") && driver.last().contains("was freed"), "{}", driver.last());
}

/// A graph of one node that holds another graph, and that graph.
fn nested(driver: &Driver) -> (u64, u64) {
    let outer = driver.made("cuGraphCreate", &[0]);
    let context = driver.made("cuCtxGetCurrent", &[]);
    let condition = driver.made("cuGraphConditionalHandleCreate", &[outer, context, 1, 1]);
    let mut params = [13, 0, condition, 1 << 32, 0, context].to_vec();
    params.resize(32, 0);
    let mut node = 0u64;
    let mut add = |params: &mut Vec<u64>, status| {
        let arguments = [&raw mut node as u64, outer, 0, 0, 0, params.as_mut_ptr() as u64];
        driver.fails("cuGraphAddNode_v2", &arguments, status);
    };
    add(&mut params, 0);
    // SAFETY: the driver's own array of one graph.
    let inner = unsafe { (params[4] as *const u64).read() };
    // One condition is asked by one node.
    add(&mut params, 1);
    (outer, inner)
}

#[test]
fn a_capture_into_a_graph_that_a_node_holds_is_replayed_and_goes_with_it() {
    let (driver, stream) = ready("");
    let (outer, inner) = nested(&driver);
    let (memory, back) = (driver.made("cuMemAlloc_v2", &[4096]), driver.pinned(4));
    driver.ok("cuStreamBeginCaptureToGraph", &[stream, inner, 0, 0, 0, RELAXED]);
    driver.ok("cuMemsetD8Async", &[memory, 7, 4, stream]);
    driver.ok("cuMemcpyDtoHAsync_v2", &[back.as_mut_ptr() as u64, memory, 4, stream]);
    assert_eq!(ended(&driver, stream, 0), inner);
    let exec = driver.made("cuGraphInstantiateWithFlags", &[outer, 0]);
    driver.fails("cuGraphDestroy", &[inner], 1);
    driver.ok("cuGraphDestroy", &[outer]);
    driver.fails("cuGraphInstantiateWithFlags", &[&raw const exec as u64, inner, 0], 400);
    driver.ok("cuGraphLaunch", &[exec, stream]);
    driver.ok("cuStreamSynchronize", &[stream]);
    assert_eq!(back, [7; 4]);
    driver.ok("cuGraphExecDestroy", &[exec]);
    assert_eq!((driver.live("graphs"), driver.live("execs")), (0, 0));
}

#[test]
fn calls_that_may_wait_spoil_it() {
    for mode in [GLOBAL, THREAD_LOCAL] {
        let (driver, stream) = ready("");
        let mut out = 0u64;
        driver.ok("cuStreamBeginCapture_v2", &[stream, mode]);
        driver.fails("cuMemAlloc_v2", &[&raw mut out as u64, 64], 900);
        driver.fails("cuMemsetD8Async", &[out, 0, 64, stream], 1);
        assert_eq!(driver.made_status(stream), 2);
        assert_eq!(ended(&driver, stream, 901), 0);
        assert_eq!(driver.made_status(stream), 0);
    }
    let (driver, stream) = ready("");
    driver.ok("cuStreamBeginCapture_v2", &[stream, RELAXED]);
    driver.made("cuMemAlloc_v2", &[64]);
    ended(&driver, stream, 0);
}

#[test]
fn waiting_for_a_captured_stream_is_refused() {
    for (name, args) in [("cuStreamSynchronize", 1), ("cuStreamQuery", 1), ("cuCtxSynchronize", 0)] {
        let (driver, stream) = ready("");
        driver.ok("cuStreamBeginCapture_v2", &[stream, RELAXED]);
        driver.fails(name, &[stream][..args], 900);
        ended(&driver, stream, 901);
    }
}

#[test]
fn another_thread_is_bound_by_a_global_capture_only() {
    for (mode, status) in [(GLOBAL, 900), (THREAD_LOCAL, 0)] {
        let (driver, stream) = ready("");
        let context = driver.made("cuCtxGetCurrent", &[]);
        driver.ok("cuStreamBeginCapture_v2", &[stream, mode]);
        std::thread::scope(|scope| {
            let driver = &*driver;
            scope.spawn(move || {
                driver.ok("cuCtxSetCurrent", &[context]);
                let mut out = 0u64;
                driver.fails("cuMemAlloc_v2", &[&raw mut out as u64, 64], status);
                ended(driver, stream, 908);
            });
        });
    }
}

#[test]
fn streams_fork_and_must_join() {
    let (driver, first) = ready("");
    let second = driver.made("cuStreamCreate", &[1]);
    let events = [driver.made("cuEventCreate", &[2]), driver.made("cuEventCreate", &[2])];
    let memory = driver.made("cuMemAlloc_v2", &[64]);
    for (join, status) in [(true, 0), (false, 904)] {
        driver.ok("cuStreamBeginCapture_v2", &[first, GLOBAL]);
        driver.ok("cuMemsetD8Async", &[memory, 1, 64, first]);
        driver.ok("cuEventRecord", &[events[0], first]);
        driver.ok("cuStreamWaitEvent", &[second, events[0], 0]);
        driver.ok("cuMemsetD8Async", &[memory, 2, 64, second]);
        if join {
            driver.ok("cuEventRecord", &[events[1], second]);
            driver.ok("cuStreamWaitEvent", &[first, events[1], 0]);
        }
        ended(&driver, first, status);
    }
    driver.fails("cuEventSynchronize", &[events[0]], 907);
}

#[test]
fn events_stay_on_their_side() {
    let (driver, stream) = ready("");
    let other = driver.made("cuStreamCreate", &[1]);
    let event = driver.made("cuEventCreate", &[2]);
    driver.ok("cuEventRecord", &[event, other]);
    driver.ok("cuStreamBeginCapture_v2", &[stream, RELAXED]);
    driver.fails("cuStreamWaitEvent", &[stream, event, 0], 905);
    ended(&driver, stream, 901);
}

#[test]
fn what_a_capture_cannot_hold_is_refused() {
    let (driver, stream) = ready("");
    let memory = driver.made("cuMemAlloc_v2", &[64]);
    let ordinary = [0u8; 64];
    driver.ok("cuStreamBeginCapture_v2", &[stream, RELAXED]);
    driver.fails("cuMemcpyHtoDAsync_v2", &[memory, ordinary.as_ptr() as u64, 64, stream], 900);
    ended(&driver, stream, 901);
    driver.ok("cuStreamBeginCapture_v2", &[stream, RELAXED]);
    let mut out = 0u64;
    driver.fails("cuMemAllocAsync", &[&raw mut out as u64, 64, stream], 900);
    ended(&driver, stream, 901);
    driver.fails("cuStreamBeginCapture_v2", &[0, RELAXED], 900);
    driver.fails("cuStreamEndCapture", &[stream, &raw mut out as u64], 401);
}

impl Driver {
    fn made_status(&self, stream: u64) -> u32 {
        let mut status = 9u32;
        self.ok("cuStreamIsCapturing", &[stream, &raw mut status as u64]);
        status
    }
}
