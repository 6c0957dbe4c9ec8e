//! One package for a range of sizes, on the CPU: captured at two, held against the interpreter at four.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::env;
use std::path::Path;
use std::sync::Arc;
use tintype_accel::{Accelerator, CompileOptions, Driver, LaunchMode, OpenOptions};
use tintype_conformance::cases::{Case, Tolerance};
use tintype_conformance::suite::{self, Options};
use tintype_inductor::{AotOptions, InductorAccelerator, MANIFEST, Packages, Python, TEMPLATE};
use tintype_program::{DType, Program, TensorType, concat};

const WIDTH: usize = 16;
const TEXT: usize = 4;

/// Two layers over a picture's tokens beside a text's.
fn traced(tokens: usize) -> Program {
    let program = Program::trace("joint", |scope| {
        let ty = |tokens| TensorType::new(DType::F32, [1, tokens, WIDTH]);
        let (text, picture) = (scope.input("text", ty(TEXT))?, scope.input("picture", ty(tokens))?);
        let mut x = concat(&[&text, &picture], 1)?;
        let layer = scope.block("layer", &[x.ty()], |scope, arguments| {
            let [x] = arguments else { return Ok(vec![]) };
            let y = x.layer_norm(None, 1e-6)?.linear(&scope.param("qkv", &[3 * WIDTH, WIDTH])?, None)?;
            let heads = |i: usize| {
                let part = y.slice(2, i * WIDTH, (i + 1) * WIDTH)?;
                part.reshape(&[1, tokens + TEXT, 2, WIDTH / 2])?.transpose(&[0, 2, 1, 3])
            };
            let y = heads(0)?.attention(&heads(1)?, &heads(2)?, None, 0.5)?;
            let y = y.transpose(&[0, 2, 1, 3])?.reshape(&[1, tokens + TEXT, WIDTH])?;
            Ok(vec![(x + &y)?])
        })?;
        for i in 0..2 {
            x = layer.call(&scope.child(format!("layers.{i}")), &[&x])?.remove(0);
        }
        scope.output("picture", &x.slice(1, TEXT, TEXT + tokens)?)
    });
    program.unwrap()
}

fn python() -> Option<Python> {
    match Python::find() {
        Ok(python) => Some(python),
        Err(missing) => {
            assert!(env::var_os("TINTYPE_EXPECT_TORCH").is_none(), "{missing}");
            println!("NOT RUN: one_package_serves_all_sizes_of_its_range: {missing}");
            None
        }
    }
}

fn compile(
    python: &Python,
    captured: &Path,
    packages: &Path,
    blocks: bool,
) -> tintype_inductor::Result<usize> {
    let options =
        AotOptions { device: "cpu".into(), dynamic: Some(2..=128), blocks, ..AotOptions::default() };
    tintype_inductor::compile(python, captured, packages, &options, &mut |_| {}).map(|made| made.len())
}

fn engine(packages: &Path, required: bool) -> InductorAccelerator {
    let device = tintype_cpu::CpuDriver::default().open(0, &OpenOptions::default()).unwrap();
    InductorAccelerator::new(device, Packages::open(packages).unwrap(), required).unwrap()
}

#[test]
fn one_package_serves_all_sizes_of_its_range() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (captured, packages) = (folder.path().join("captured"), folder.path().join("packages"));
    tintype_inductor::capture([("joint", &traced(16))], &captured).unwrap();
    let alone = compile(&python, &captured, &packages, false).unwrap_err().to_string();
    assert!(alone.contains("no Program was captured at two sizes"), "{alone}");

    tintype_inductor::capture([("joint", &traced(64))], &captured).unwrap();
    assert_eq!(compile(&python, &captured, &packages, false).unwrap(), 1);
    let engine = Arc::new(engine(&packages, true));
    let accelerator: Arc<dyn Accelerator> = Arc::clone(&engine) as _;
    let tolerance = Tolerance { element: 1e-4, whole: 1e-4 };
    for tokens in [2, 16, 33, 128] {
        let program = traced(tokens);
        let case = Case::new("transformer", DType::F32, &format!("{tokens} tokens"), program, tolerance);
        let graph = CompileOptions { launch: LaunchMode::Compiled };
        accelerator.compile(&case.program, &graph).unwrap();
        // The suite's checks of the device bring Programs of their own.
        let native: Arc<dyn Accelerator> = Arc::new(self::engine(&packages, false));
        let options = Options { launch: vec![LaunchMode::Compiled], ..Options::default() };
        let report = suite::run_cases(&native, &[case], &options).unwrap();
        let failures: Vec<_> = report.failures().map(|failure| format!("{failure:?}")).collect();
        assert!(report.passed() && failures.is_empty(), "{tokens}: {failures:#?}");
    }
    let used = engine.used();
    assert!(used.len() == 4 && used.iter().all(|used| used.engine == "inductor"), "{used:?}");

    let graph = CompileOptions { launch: LaunchMode::Compiled };
    let beyond = accelerator.compile(&traced(129), &graph).err().unwrap().to_string();
    assert!(beyond.contains("its size is 129, and 2 to 128 are meant"), "{beyond}");
    changed_templates_are_refused(&packages);
}

fn changed_templates_are_refused(packages: &Path) {
    let package = Packages::open(packages).unwrap().list()[0].path.clone();
    let (template, manifest) = (package.join(TEMPLATE), package.join(MANIFEST));
    let text = std::fs::read_to_string(&template).unwrap();
    std::fs::write(&template, text.replace("128", "999")).unwrap();
    let told = Packages::open(packages).unwrap_err().to_string();
    assert!(told.contains("template.json") && told.contains("digest differs"), "{told}");
    std::fs::remove_file(&template).unwrap();
    let told = Packages::open(packages).unwrap_err().to_string();
    assert!(told.contains("template.json"), "{told}");
    assert!(manifest.is_file());
}
