//! What the real runtime would crash on is found out.

use crate::harness::*;

#[test]
fn freeing_what_is_in_use_and_leaking() {
    let session = Session::open();
    let device = session.malloc(256 << 20);
    must!(synMemsetD8Async(device => u64, 1 => u8, 256 << 20 => usize, session.stream => u64));
    assert_eq!(call!(synDeviceFree(0 => u32, device => u64, 0 => u32)), FAIL);
    must!(synStreamSynchronize(session.stream => u64));
    assert!(text("synapse_sim_misuse").contains("use after free"));
    must!(synDeviceRelease(0 => u32));
    let misuse = text("synapse_sim_misuse");
    assert!(misuse.contains("1 streams") && misuse.contains("1 allocations"), "{misuse}");
}

#[test]
fn launches_with_wrong_addresses() {
    let session = Session::open();
    let graph = graph();
    let (x, y) = (tensor(graph, Some("x"), &[8], F32), tensor(graph, Some("y"), &[8], F32));
    assert_eq!(node(graph, "exp_fwd_f32", &[x], &[y], &[], [&[], &[]]), SUCCESS);
    let recipe = compile(graph).expect("it compiles");
    let (a, b) = (session.malloc(32), session.malloc(32));
    let launch = |infos: &[Info], recipe: u64| call!(synLaunch(session.stream => u64, infos.as_ptr() => *const Info, infos.len() as u32 => u32, 0 => u64, recipe => u64, 0 => u32));
    let section = 30;
    assert_eq!(launch(&[info(recipe, "x", a)], recipe), section, "an output is missing");
    assert_eq!(launch(&[info(recipe, "x", a), info(recipe, "y", a)], recipe), section, "sections overlap");
    assert_eq!(launch(&[info(recipe, "x", a), info(recipe, "y", b + 4)], recipe), section, "past the end");
    let mut unknown = info(recipe, "nobody", a);
    assert_eq!(unknown.id, u64::MAX);
    assert_eq!(launch(&[info(recipe, "x", a), unknown.clone(), info(recipe, "y", b)], recipe), SUCCESS);
    unknown.id = 77;
    assert_eq!(launch(&[unknown], recipe), section);
    assert_eq!(launch(&[], 5), INVALID);
    must!(synStreamSynchronize(session.stream => u64));
    must!(synRecipeDestroy(recipe => u64));
    must!(synGraphDestroy(graph => u64));
    must!(synTensorDestroy(x => u64)); // It went with its graph.
}

#[test]
fn graphs_that_are_refused() {
    let _session = Session::open();
    let graph = graph();
    let (x, y) = (tensor(graph, Some("x"), &[8], F32), tensor(graph, Some("y"), &[8], F32));
    let mut again = 0;
    let name = c("x");
    assert_eq!(
        call!(synTensorHandleCreate(&mut again => *mut u64, graph => u64, 0 => i32, name.as_ptr() => *const std::ffi::c_char)),
        21
    );
    assert_eq!(again, x);
    assert_eq!(node(graph, "memcpy_dma", &[x], &[y], &[], [&[], &[]]), FAIL);
    assert_eq!(node(graph, "exp_fwd_f32", &[1], &[y], &[], [&[], &[]]), INVALID);
    let many = tensor(graph, None, &[1, 1, 1, 1, 1, 8], F32);
    assert_eq!(node(graph, "exp_fwd_f32", &[many], &[many], &[], [&[], &[]]), 25);
    assert_eq!(node(graph, "no_such_node", &[x], &[y], &[], [&[], &[]]), SUCCESS);
    let geometry = [1u64; 26];
    assert_eq!(call!(synTensorSetGeometry(x => u64, geometry.as_ptr() => *const u64, 1 => i32)), 5);
    assert_eq!(compile(graph), Err(FAIL));
    must!(synGraphDestroy(graph => u64));
}
