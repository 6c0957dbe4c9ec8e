//! A kernel of a user's for a custom operation, on the software Synapse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::work::bound;
use std::sync::Arc;
use tintype_accel::{Accelerator, LaunchMode, Purpose, Result, from_f32, to_f32};
use tintype_gaudi::{GaudiDriver, Options};
use tintype_program::{Attribute, DType, Program, TensorType};

/// A library of kernels that the software Synapse knows by this name.
const LIBRARY: &str = "libexample_tpc_kernels.so";

/// `acme.scale(x)`, with what it is made of where no kernel is registered.
fn program(factor: f64) -> Program {
    let program = Program::trace("scaled", |scope| {
        let x = scope.input("x", TensorType::new(DType::F32, [3, 4]))?;
        let attributes = [("factor".to_string(), Attribute::Float(factor))].into();
        let y = scope.custom("acme.scale", attributes, &[&x], |_, x| Ok(vec![(&x[0] * factor)?]))?;
        scope.output("y", &y[0].silu()?)
    });
    program.unwrap()
}

fn run(device: &Arc<dyn Accelerator>, launch: LaunchMode, factor: f64) -> Result<Vec<f32>> {
    let (mut instance, mut bindings) = bound(device, &program(factor), launch)?;
    let ty = TensorType::new(DType::F32, [3, 4]);
    let values: Vec<f32> = (0..12).map(|i| i as f32 - 5.0).collect();
    let x = device.buffer_from(&ty, from_f32(DType::F32, &values))?;
    let y = device.buffer(&ty, Purpose::Data)?;
    bindings.input("x", &x)?.output("y", &y)?;
    instance.run(&mut bindings)?;
    device.download(&y).map(|bytes| to_f32(DType::F32, &bytes))
}

/// Options that have the kernel, with its factor as params.
fn with_kernel() -> Options {
    let params = |attributes: &std::collections::BTreeMap<String, Attribute>| match attributes.get("factor") {
        Some(Attribute::Float(factor)) => Ok((*factor as f32).to_le_bytes().to_vec()),
        _ => Err("it has no factor".to_string()),
    };
    Options::default().kernel("acme.scale", "example_scale_fwd_{dtype}", Arc::new(params))
}

/// How many nodes of this name the library was asked for.
fn nodes(log: &str, guid: &str) -> usize {
    let text = std::fs::read_to_string(log).unwrap();
    text.lines()
        .filter(|line| line.contains("synNodeCreate") && line.contains(&format!("guid={guid} ")))
        .count()
}

#[test]
fn a_users_kernel_computes_a_custom_operation() {
    let folder = tempfile::tempdir().unwrap();
    let [log, library] = ["log", LIBRARY].map(|name| folder.path().join(name));
    std::fs::write(&library, "").unwrap();
    if common::synapse().is_none() {
        return;
    }
    let (log, library) = (log.to_str().unwrap(), library.to_str().unwrap());
    let variables = [("GC_KERNEL_PATH", library), ("SYNAPSE_SIM_LOG", log)];
    common::passes("the_kernel_is_what_the_operation_is_made_of", &variables);
    assert_eq!(nodes(log, "example_scale_fwd_f32"), 3, "one as a block, one by itself, one in a flush");
    std::fs::remove_file(log).unwrap();
    let named = ("TINTYPE_GAUDI_KERNELS", "acme.scale=example_scale_fwd_{dtype}");
    common::passes("the_environment_names_a_kernel", &[variables[0], variables[1], named]);
    assert_eq!(nodes(log, "example_scale_fwd_f32"), 1);
}

#[test]
fn recipes_with_kernels_of_users_are_kept_as_long_as_the_kernels_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let [log, library, cache] = ["log", LIBRARY, "recipes"].map(|name| folder.path().join(name));
    std::fs::write(&library, "").unwrap();
    if common::synapse().is_none() {
        return;
    }
    let cache = format!("{},false,64", cache.display());
    let compiles = |times: &str| {
        let _ = std::fs::remove_file(&log);
        let variables = [
            ("GC_KERNEL_PATH", library.to_str().unwrap()),
            ("SYNAPSE_SIM_LOG", log.to_str().unwrap()),
            ("PT_HPU_RECIPE_CACHE_CONFIG", &cache),
            ("KERNEL_TIMES", times),
        ];
        common::passes("the_kernel_is_registered_with_other_params", &variables);
        let text = std::fs::read_to_string(&log).unwrap();
        text.lines().filter(|line| line.contains("synGraphCompile synSuccess")).count()
    };
    assert_eq!(["1", "1", "3", "3", "1"].map(compiles), [1, 0, 1, 0, 0], "params are told apart");
    std::fs::write(&library, "built anew").unwrap();
    assert_eq!(["1", "1"].map(compiles), [1, 0], "so are libraries");
}

#[test]
#[ignore = "run by recipes_with_kernels_of_users_are_kept_as_long_as_the_kernels_are_the_same"]
fn the_kernel_is_registered_with_other_params() {
    let times: f32 = std::env::var("KERNEL_TIMES").unwrap().parse().unwrap();
    let params = move |_: &_| Ok((0.5 * times).to_le_bytes().to_vec());
    let mut options = Options::from_env().unwrap();
    options = options.kernel("acme.scale", "example_scale_fwd_{dtype}", Arc::new(params));
    let own = common::open_with(GaudiDriver::with(options));
    let silu = |x: f32| x / (1.0 + (-x).exp());
    let got = run(&own, LaunchMode::Compiled, 0.5).unwrap();
    for (i, got) in got.into_iter().enumerate() {
        let expected = silu(0.5 * times * (i as f32 - 5.0));
        assert!((got - expected).abs() < 1e-5, "{got} is not {expected}");
    }
}

#[test]
fn a_kernel_that_no_library_has_is_told_with_the_libraries() {
    for path in ["", "/nowhere/libexample_tpc_kernels.so", "/nowhere/a.so:/nowhere/b.so"] {
        common::passes("a_kernel_that_no_library_has_is_named", &[("GC_KERNEL_PATH", path)]);
    }
}

#[test]
#[ignore = "run by a_users_kernel_computes_a_custom_operation"]
fn the_kernel_is_what_the_operation_is_made_of() {
    let plain = common::open_with(GaudiDriver::with(Options::default()));
    let own = common::open_with(GaudiDriver::with(with_kernel()));
    for launch in LaunchMode::ALL {
        assert_eq!(run(&own, launch, 0.5).unwrap(), run(&plain, launch, 0.5).unwrap(), "{launch}");
    }
}

#[test]
#[ignore = "run by a_users_kernel_computes_a_custom_operation"]
fn the_environment_names_a_kernel() {
    // Registered so it has no params, and doubles.
    let plain = common::open_with(GaudiDriver::with(Options::default()));
    let expected = run(&plain, LaunchMode::Compiled, 2.0).unwrap();
    assert_eq!(run(&common::open(), LaunchMode::Compiled, 2.0).unwrap(), expected);
}

#[test]
#[ignore = "run by a_kernel_that_no_library_has_is_told_with_the_libraries"]
fn a_kernel_that_no_library_has_is_named() {
    let own = common::open_with(GaudiDriver::with(with_kernel()));
    let path = std::env::var("GC_KERNEL_PATH").unwrap();
    for launch in LaunchMode::ALL {
        let told = run(&own, launch, 0.5).unwrap_err().to_string();
        let mut parts = vec!["scaled", "example_scale_fwd_f32", "GC_KERNEL_PATH", "synGraphCompile"];
        parts.extend(path.split(':'));
        parts.push(if path.is_empty() { "it names none" } else { "which is not there" });
        if launch == LaunchMode::Lazy {
            parts.remove(0);
        }
        for part in parts {
            assert!(told.contains(part), "{launch}: {part}: {told}");
        }
    }
}
