//! Products by hipBLASLt under the software double, and by kernels of our own where it takes none.

#![allow(clippy::unwrap_used, clippy::panic)]

mod double;

use double::{Witness, again, alive, emulated};
use std::sync::Arc;
use tintype_accel::{
    Accelerator, Bindings, CompileOptions, Driver, Error, HostTensor, LaunchMode, OpenOptions, Purpose,
    Result, TensorSource, Weights,
};
use tintype_program::{DType, GeluForm, Program, TensorType};
use tintype_rocm::RocmDriver;

/// Weights of zeros.
struct Checkpoint;

impl TensorSource for Checkpoint {
    fn origin(&self) -> String {
        "a test".into()
    }

    fn names(&self) -> Vec<String> {
        vec!["a".into(), "b".into(), "bias".into()]
    }

    fn get(&self, name: &str) -> std::result::Result<Option<HostTensor>, String> {
        let shape = if name == "bias" { vec![64] } else { vec![64, 64] };
        let bytes = vec![0; shape.iter().product::<usize>() * 2];
        Ok(Some(HostTensor { dtype: DType::Bf16, shape, bytes: bytes.into() }))
    }
}

/// A product with a bias and a gelu, one without either, and one of two activations in a batch.
fn program() -> Program {
    let traced = Program::trace("products", |scope| {
        let x = scope.input("x", TensorType::new(DType::Bf16, [2, 32, 64]))?;
        let scope = &scope.with_dtype(DType::Bf16);
        let (a, b, bias) =
            (scope.param("a", &[64, 64])?, scope.param("b", &[64, 64])?, scope.param("bias", &[64])?);
        let hidden = x.linear(&a, Some(&bias))?.gelu(GeluForm::Tanh)?;
        let plain = hidden.linear(&b, None)?;
        scope.output("y", &plain.matmul(&hidden.transpose(&[0, 2, 1])?)?)
    });
    traced.unwrap()
}

/// Compiles, and runs three times. None where there is no compiler of kernels, which the last kernel may need.
fn three(device: &Arc<dyn Accelerator>, launch: LaunchMode) -> Result<usize> {
    let program = program();
    let module = device.compile(&program, &CompileOptions { launch })?;
    let weights = Weights::load(device, &module.signature().params, &Checkpoint, &|_| false, &mut |_, _| {})?;
    let mut instance = module.bind(&weights)?;
    let x = device.buffer_from(&module.signature().inputs[0].ty, vec![0; 2 * 32 * 64 * 2])?;
    let y = device.buffer(&module.signature().outputs[0].ty, Purpose::Data)?;
    let mut bindings = Bindings::new(Arc::clone(module.signature()));
    bindings.input("x", &x)?.output("y", &y)?;
    for _ in 0..3 {
        instance.run(&mut bindings)?;
    }
    device.synchronize()?;
    Ok(module.workspace_bytes())
}

fn open() -> Arc<dyn Accelerator> {
    RocmDriver.open(0, &OpenOptions::default()).unwrap()
}

#[test]
fn products_are_hipblaslts_with_what_follows_them() {
    if !emulated("products_are_hipblaslts_with_what_follows_them", "arch=gfx942:sramecc+:xnack-") {
        return;
    }
    let witness = Witness::new();
    for launch in [LaunchMode::Compiled, LaunchMode::Graph] {
        witness.reset();
        let device = open();
        let workspace = three(&device, launch).unwrap();
        let runs = if launch == LaunchMode::Graph { 1 } else { 3 };
        assert_eq!(workspace, 1 << 20, "what its algorithm works in");
        assert_eq!(witness.calls("hipblasLtMatmul"), 3 * runs, "{launch}");
        assert_eq!(witness.calls("hipModuleLaunchKernel"), 0, "{launch}: nothing is left for kernels");
        // Chosen before anything is captured, once for each product.
        assert_eq!(witness.calls("hipblasLtMatmulAlgoGetHeuristic"), 3, "{launch}");
        assert_eq!(witness.calls("hipblasLtCreate"), 1, "{launch}");
        let failed = witness.counts()["failed"].clone();
        // That an event is not there yet is an answer.
        let refused = failed.as_object().unwrap().keys().filter(|name| *name != "hipEventQuery");
        assert_eq!(refused.count(), 0, "{failed}");
        drop(device);
        assert_eq!(alive(&witness), [""; 0]);
        assert_eq!(witness.calls("hipblasLtDestroy"), 1, "{launch}");
    }
}

/// Products by our own kernels, whatever the reason.
fn by_kernels(witness: &Witness) {
    match three(&open(), LaunchMode::Compiled) {
        Err(error @ Error::Unavailable { .. }) => {
            assert!(std::env::var_os("TINTYPE_EXPECT_NVRTC").is_none(), "{error}");
            println!("NOT RUN: {error}");
        }
        workspace => {
            assert_eq!(workspace.unwrap(), 0);
            assert_eq!(witness.calls("hipblasLtMatmul"), 0);
            assert_eq!(witness.calls("hipModuleLaunchKernel"), 9);
        }
    }
}

#[test]
fn what_hipblaslt_refuses_is_by_kernels_of_our_own() {
    if emulated("what_hipblaslt_refuses_is_by_kernels_of_our_own", "no_products") {
        let witness = Witness::new();
        by_kernels(&witness);
        assert_eq!(witness.calls("hipblasLtMatmulAlgoGetHeuristic"), 3);
    }
}

#[test]
fn without_a_handle_products_are_by_kernels_of_our_own() {
    if emulated("without_a_handle_products_are_by_kernels_of_our_own", "") {
        let witness = Witness::new();
        witness.fail("hipblasLtCreate", 1, 2);
        by_kernels(&witness);
        // It is asked for once, and not again for every product.
        assert_eq!(witness.calls("hipblasLtCreate"), 1);
    }
}

#[test]
fn hipblaslt_is_left_alone_where_that_is_asked_for() {
    let name = "hipblaslt_is_left_alone_where_that_is_asked_for";
    if std::env::var_os("TINTYPE_ROCM_PRODUCTS").is_none() {
        let cache = tempfile::tempdir().unwrap();
        let mut process = again(name, "");
        process.env("TINTYPE_KERNEL_CACHE", cache.path()).env("TINTYPE_ROCM_PRODUCTS", "own");
        assert!(process.status().unwrap().success());
        return;
    }
    let witness = Witness::new();
    by_kernels(&witness);
    assert_eq!(witness.calls("hipblasLtCreate"), 0);
}
