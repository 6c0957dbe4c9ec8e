//! Recipes: workspace, files, graphs of full size.

use crate::harness::*;

#[test]
fn a_recipe_goes_through_a_file_with_its_constants() {
    let session = Session::open();
    let graph = graph();
    let (x, y) = (tensor(graph, Some("x"), &[2], F32), tensor(graph, Some("y"), &[2], F32));
    let (constant, middle) = (tensor(graph, None, &[2], F32), tensor(graph, None, &[2], F32));
    let values = [10f32, 20.0];
    must!(synTensorSetHostPtr(constant => u64, values.as_ptr() => *const f32, 8 => u64, F32 => i32, 1 => u8));
    assert_eq!(node(graph, "add_fwd_f32", &[x, constant], &[middle], &[], [&[], &[]]), SUCCESS);
    assert_eq!(node(graph, "neg_fwd_f32", &[middle], &[y], &[], [&[], &[]]), SUCCESS);
    let recipe = compile(graph).expect("it compiles");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("recipe");
    let file = c(path.to_str().expect("UTF-8"));
    must!(synRecipeSerialize(recipe => u64, file.as_ptr() => *const std::ffi::c_char));
    must!(synRecipeDestroy(recipe => u64));
    let mut again = 0;
    must!(synRecipeDeSerialize(&mut again => *mut u64, file.as_ptr() => *const std::ffi::c_char));
    let mut size = 0;
    must!(synWorkspaceGetSize(&mut size => *mut u64, again => u64));
    assert_eq!(size, 128);
    let (workspace, out) = (session.malloc(size), session.malloc(8));
    let infos = [info(again, "x", session.upload(&[0; 8])), info(again, "y", out)];
    must!(synLaunch(session.stream => u64, infos.as_ptr() => *const Info, 2 => u32, workspace => u64, again => u64, 0 => u32));
    let bytes = session.download(out, 8);
    assert_eq!(bytes, [(-10f32).to_le_bytes(), (-20f32).to_le_bytes()].concat());
    must!(synRecipeDestroy(again => u64));

    let mut bytes = std::fs::read(&path).expect("the file");
    *bytes.last_mut().expect("bytes") ^= 1;
    std::fs::write(&path, bytes).expect("written");
    assert_eq!(
        call!(synRecipeDeSerialize(&mut again => *mut u64, file.as_ptr() => *const std::ffi::c_char)),
        FAIL
    );
}

#[test]
fn weights_of_twelve_billion_take_no_memory_to_compile() {
    let _session = Session::open();
    let graph = graph();
    let (width, rows) = (12288u64, 4096u64);
    let mut x = tensor(graph, Some("x"), &[width, rows], BF16);
    for layer in 0..80 {
        let weight = tensor(graph, Some(&format!("w{layer}")), &[width, width], BF16);
        let y = tensor(graph, None, &[width, rows], BF16);
        assert_eq!(node(graph, "gemm", &[x, weight], &[y], &[0, 0], [&[], &[]]), SUCCESS);
        x = y;
    }
    let y = tensor(graph, Some("y"), &[width, rows], BF16);
    assert_eq!(node(graph, "silu_fwd_bf16", &[x], &[y], &[], [&[], &[]]), SUCCESS);
    let recipe = compile(graph).expect("it compiles");
    let (attributes, mut values) = ([0i32, 1, 4], [0u64; 3]);
    must!(synRecipeGetAttribute(values.as_mut_ptr() => *mut u64, attributes.as_ptr() => *const i32, 3 => u32, recipe => u64));
    assert_eq!(values[0], 2 * width * rows * 2, "two tensors live at a time");
    assert_eq!(values[1], 82);
    assert!(values[2] > 24_000_000_000);
    must!(synRecipeDestroy(recipe => u64));
    must!(synGraphDestroy(graph => u64));
}
