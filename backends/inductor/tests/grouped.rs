//! Cases of the conformance suite, many to a Program, as one package on the CPU: through the suite itself, with its guard bytes,
//! repeated runs and written weights.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::env;
use std::path::Path;
use std::sync::Arc;
use tintype_accel::{
    Accelerator, Bindings, CompileOptions, Device, Driver, HostTensor, LaunchMode, OpenOptions, ParamSlot,
    Purpose, TensorSource, Weights,
};
use tintype_conformance::cases::{self, Case, Tolerance};
use tintype_conformance::suite::{self, Options};
use tintype_inductor::{AotOptions, InductorAccelerator, Packages, Python, Target};
use tintype_program::{Block, BlockId, DType, FORMAT_VERSION, Node, Op, Param, Port, Program, TensorType};

/// The operations from each of which one case is taken.
const GROUPS: [&str; 22] = [
    "unary",
    "binary",
    "cast",
    "reduce",
    "reshape",
    "transpose",
    "slice",
    "concat",
    "pad",
    "broadcast",
    "gather",
    "mat_mul",
    "convolution",
    "linear",
    "linear encoded",
    "linear dynamic fp8",
    "attention",
    "softmax",
    "layer_norm",
    "rms_norm",
    "group_norm",
    "rotary_embedding",
];

/// The cases' Programs called one after another from an entry of their own, whose ports have the case's number before their
/// names. The tolerance is the largest of the cases'.
fn grouped(cases: &[Case]) -> Case {
    let mut program = Program { version: FORMAT_VERSION, blocks: Vec::new(), sources: Vec::new() };
    let mut entry = Block { name: "grouped".into(), ..Block::default() };
    let mut fills = BTreeMap::new();
    let mut tolerance = Tolerance::EXACT;
    for (number, case) in cases.iter().enumerate() {
        let named = |name: &str| format!("c{number}.{name}");
        let first = program.blocks.len() as u32;
        for block in &case.program.blocks {
            let mut block = block.clone();
            for node in &mut block.nodes {
                if let Some(BlockId(id)) = node.op.block() {
                    node.op = node.op.clone().with_block(BlockId(first + id));
                }
            }
            program.blocks.push(block);
        }
        let callee = case.program.entry();
        let (mut arguments, mut results) = (Vec::new(), Vec::new());
        for port in &callee.inputs {
            let value = entry.push_value(callee.ty(port.value).clone());
            arguments.push(value);
            entry.inputs.push(Port { name: named(&port.name), value });
        }
        for (param, source) in callee.params.iter().zip(&case.program.sources) {
            let value = entry.push_value(callee.ty(param.value).clone());
            arguments.push(value);
            program.sources.push(source.clone().with_names(&named));
            entry.params.push(Param { name: named(&param.name), value, encoding: param.encoding.clone() });
        }
        for port in &callee.outputs {
            let value = entry.push_value(callee.ty(port.value).clone());
            results.push(value);
            entry.outputs.push(Port { name: named(&port.name), value });
        }
        fills.extend(case.fills.iter().map(|(name, fill)| (named(name), fill.clone())));
        let block = BlockId(program.blocks.len() as u32 - 1);
        entry.nodes.push(Node { op: Op::Call { block }, inputs: arguments, outputs: results });
        tolerance.element = tolerance.element.max(case.tolerance.element);
        tolerance.whole = tolerance.whole.max(case.tolerance.whole);
    }
    program.blocks.push(entry);
    let mut case = Case::new("transformer", DType::F32, "grouped", program, tolerance);
    case.fills = fills;
    case
}

/// A checkpoint of zeros, or one that holds nothing.
struct Zeros(Option<Vec<ParamSlot>>);

impl TensorSource for Zeros {
    fn origin(&self) -> String {
        "zeros".into()
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().flatten().map(|slot| slot.name.clone()).collect()
    }

    fn get(&self, name: &str) -> Result<Option<HostTensor>, String> {
        let slot = self.0.iter().flatten().find(|slot| slot.name == name);
        Ok(slot.map(|slot| HostTensor {
            dtype: slot.ty.dtype,
            shape: slot.ty.shape.clone(),
            bytes: vec![0; slot.ty.bytes()].into(),
        }))
    }
}

/// The package itself would read whatever it is given.
fn what_does_not_fit_is_refused(device: &Arc<dyn Accelerator>, program: &Program) {
    let module = device.compile(program, &CompileOptions { launch: LaunchMode::Compiled }).unwrap();
    let signature = module.signature();
    let load = |params: &[ParamSlot], source: Zeros| {
        Weights::load(device, params, &source, &|_| false, &mut |_, _| {})
    };
    let missing = load(&signature.params, Zeros(None)).err().unwrap().to_string();
    assert!(missing.contains(&signature.params[0].name), "{missing}");
    let none = load(&[], Zeros(None)).unwrap();
    let unbound = module.bind(&none).err().unwrap().to_string();
    assert!(unbound.contains(&signature.params[0].name), "{unbound}");

    let weights = load(&signature.params, Zeros(Some(signature.params.clone()))).unwrap();
    let mut instance = module.bind(&weights).unwrap();
    let mut bindings = Bindings::new(Arc::clone(signature));
    let incomplete = instance.run(&mut bindings).unwrap_err().to_string();
    let slot = &signature.inputs[0];
    assert!(incomplete.contains(&slot.name), "{incomplete}");
    let others = [
        TensorType::new(
            if slot.ty.dtype == DType::F32 { DType::Bf16 } else { DType::F32 },
            slot.ty.shape.clone(),
        ),
        TensorType::new(slot.ty.dtype, [slot.ty.shape.as_slice(), &[2]].concat()),
    ];
    for ty in others {
        let buffer = device.buffer(&ty, Purpose::Data).unwrap();
        let told = bindings.input(&slot.name, &buffer).err().unwrap().to_string();
        assert!(told.contains(&slot.name) && told.contains(&ty.to_string()), "{told}");
    }
}

/// The CPU has graphs of its own, and none of packages.
fn another_launch_mode_is_native_or_refused(
    engine: &InductorAccelerator,
    packages: &Path,
    program: &Program,
) {
    let graph = CompileOptions { launch: LaunchMode::Graph };
    engine.compile(program, &graph).unwrap();
    let used = engine.used();
    let native = used.iter().rfind(|used| used.program == "grouped" && used.engine == "native");
    assert!(native.is_some_and(|used| used.why.contains("not as `graph`")), "{used:?}");
    let device = tintype_cpu::CpuDriver::default().open(0, &OpenOptions::default()).unwrap();
    let required = InductorAccelerator::new(device, Packages::open(packages).unwrap(), true).unwrap();
    let refused = required.compile(program, &graph).err().unwrap().to_string();
    assert!(refused.contains("not as `graph`"), "{refused}");
}

#[test]
fn a_double_of_a_gpu_is_no_target() {
    let device = tintype_cpu::CpuDriver::default().open(0, &OpenOptions::default()).unwrap();
    let gpu =
        |backend, emulated| Device { backend, emulated, arch: "sm_90".into(), ..device.device().clone() };
    let target = |device: &Device| Target::of_device(device, "2.11.0");
    assert_eq!(target(&gpu("cuda", false)).unwrap().arch, "sm_90");
    assert_eq!(target(&gpu("cuda", true)), None);
    assert_eq!(target(&gpu("rocm", false)), None);
    assert_eq!(target(device.device()).unwrap().device, "cpu");
}

#[test]
fn cases_of_every_operation_in_one_package_pass_the_suite() {
    let python = match Python::find() {
        Ok(python) => python,
        Err(missing) => {
            assert!(env::var_os("TINTYPE_EXPECT_TORCH").is_none(), "{missing}");
            println!("NOT RUN: cases_of_every_operation_in_one_package_pass_the_suite: {missing}");
            return;
        }
    };
    let all = cases::all().unwrap();
    let fit = |case: &&Case| case.dtype == DType::F32 && case.program.entry().states.is_empty();
    let chosen: Vec<Case> = GROUPS
        .iter()
        .map(|group| all.iter().filter(fit).rfind(|case| case.group == *group).unwrap().clone())
        .collect();
    let case = grouped(&chosen);
    case.program.check().unwrap();

    let folder = tempfile::tempdir().unwrap();
    let (captured, packages) = (folder.path().join("captured"), folder.path().join("packages"));
    tintype_inductor::capture([("grouped", &case.program)], &captured).unwrap();
    let options = AotOptions { device: "cpu".into(), ..AotOptions::default() };
    tintype_inductor::compile(&python, &captured, &packages, &options, &mut |_| {}).unwrap();

    let device = tintype_cpu::CpuDriver::default().open(0, &OpenOptions::default()).unwrap();
    // The suite's checks of the device bring Programs of their own, which run natively.
    let engine = InductorAccelerator::new(device, Packages::open(&packages).unwrap(), false).unwrap();
    let engine = Arc::new(engine);
    let accelerator: Arc<dyn Accelerator> = Arc::clone(&engine) as _;
    let options = Options { launch: vec![LaunchMode::Compiled], ..Options::default() };
    what_does_not_fit_is_refused(&accelerator, &case.program);
    let program = case.program.clone();
    let report = suite::run_cases(&accelerator, &[case], &options).unwrap();
    let failures: Vec<_> = report.failures().map(|failure| format!("{failure:?}")).collect();
    assert!(report.passed() && failures.is_empty(), "{failures:#?}");
    let used = engine.used();
    assert!(used.iter().any(|used| used.program == "grouped" && used.engine == "inductor"), "{used:?}");
    another_launch_mode_is_native_or_refused(&engine, &packages, &program);
}
