//! What a device must do whatever it computes.

use std::sync::Arc;
use tintype_accel::{
    Accelerator, Bindings, Buffer, CompileOptions, LaunchMode, Purpose, Result, TensorSource, WaitReason,
    Weights,
};
use tintype_program::{DType, Program, TensorType};

type Outcome = std::result::Result<(), String>;

type Check = fn(&Arc<dyn Accelerator>) -> Result<Outcome>;

/// Every check: its name, and what is wrong.
pub(super) fn checks(accelerator: &Arc<dyn Accelerator>) -> Vec<(&'static str, Outcome)> {
    let checks: [(&str, Check); 6] = [
        ("device: copies at offsets", copies),
        ("device: counted bytes", counted_bytes),
        ("device: memory report", memory),
        ("device: fences", fences),
        ("device: launch modes it lacks are refused", launch_modes),
        ("device: a run without all buffers is refused", incomplete),
    ];
    let flat = |outcome: Result<Outcome>| outcome.unwrap_or_else(|error| Err(error.to_string()));
    checks.map(|(name, check)| (name, flat(check(accelerator)))).into()
}

fn holds(condition: bool, otherwise: impl Into<String>) -> Outcome {
    if condition { Ok(()) } else { Err(otherwise.into()) }
}

fn bytes_of(count: usize) -> TensorType {
    TensorType::new(DType::U8, [count])
}

fn copies(accelerator: &Arc<dyn Accelerator>) -> Result<Outcome> {
    let storage = accelerator.allocate(1000, Purpose::Data)?;
    accelerator.upload(&storage, 0, vec![1; 1000].into())?;
    accelerator.upload(&storage, 77, vec![2; 123].into())?;
    let mut wanted = vec![1; 1000];
    wanted[77..200].fill(2);
    let whole = accelerator.download(&Buffer::at(Arc::clone(&storage), 0, bytes_of(1000))?)?;
    let part = accelerator.download(&Buffer::at(storage, 64, bytes_of(100))?)?;
    Ok(holds(whole == wanted && part == wanted[64..164], "bytes read are not the bytes written"))
}

fn counted_bytes(accelerator: &Arc<dyn Accelerator>) -> Result<Outcome> {
    let before = accelerator.stats();
    let buffer = accelerator.buffer_from(&bytes_of(4096), vec![3; 4096])?;
    accelerator.download(&buffer)?;
    let counted = accelerator.stats() - before;
    let (up, down) = (counted.bytes_uploaded, counted.bytes_downloaded);
    Ok(holds(up == 4096 && down == 4096, format!("4096 bytes each way are counted as {up} and {down}")))
}

fn memory(accelerator: &Arc<dyn Accelerator>) -> Result<Outcome> {
    accelerator.synchronize()?;
    let before = accelerator.memory();
    let buffer = accelerator.buffer(&bytes_of(1 << 20), Purpose::Data)?;
    let during = accelerator.memory();
    drop(buffer);
    accelerator.synchronize()?;
    let after = accelerator.memory();
    let grew = during.data.saturating_sub(before.data);
    Ok(holds(
        grew >= 1 << 20 && after.data == before.data,
        format!(
            "an allocation of 1 MiB takes data from {} to {} and back to {}",
            before.data, during.data, after.data
        ),
    )
    .and_then(|()| holds(during.peak >= during.held(), "the peak is below what is held")))
}

fn fences(accelerator: &Arc<dyn Accelerator>) -> Result<Outcome> {
    let _buffer = accelerator.buffer_from(&bytes_of(100), vec![0; 100])?;
    let fence = accelerator.record()?;
    fence.wait(WaitReason::Pacing)?;
    let passed = fence.poll()?;
    Ok(holds(passed, "a fence that was waited for is not passed"))
}

fn small() -> Result<Program> {
    let program = Program::trace("small", |scope| {
        let x = scope.input("x", TensorType::new(DType::F32, [4]))?;
        scope.output("y", &(&x + 1.0)?)
    })?;
    Ok(program)
}

fn launch_modes(accelerator: &Arc<dyn Accelerator>) -> Result<Outcome> {
    let program = small()?;
    let has = &accelerator.device().capabilities.launch;
    for launch in LaunchMode::ALL.into_iter().filter(|mode| !has.contains(mode)) {
        if accelerator.compile(&program, &CompileOptions { launch }).is_ok() {
            return Ok(Err(format!("{launch} compiles though the device does not list it")));
        }
    }
    Ok(Ok(()))
}

struct Nothing;

impl TensorSource for Nothing {
    fn origin(&self) -> String {
        "nothing".into()
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn get(&self, _name: &str) -> std::result::Result<Option<tintype_accel::HostTensor>, String> {
        Ok(None)
    }
}

fn incomplete(accelerator: &Arc<dyn Accelerator>) -> Result<Outcome> {
    let Some(&launch) = accelerator.device().capabilities.launch.first() else {
        return Ok(Err("the device has no launch mode".into()));
    };
    let module = accelerator.compile(&small()?, &CompileOptions { launch })?;
    let weights = Weights::load(accelerator, [], &Nothing, &|_| false, &mut |_, _| {})?;
    let mut bindings = Bindings::new(Arc::clone(module.signature()));
    let x = accelerator.buffer_from(&TensorType::new(DType::F32, [4]), vec![0; 16])?;
    bindings.input("x", &x)?;
    let ran = module.bind(&weights)?.run(&mut bindings).is_ok();
    Ok(holds(!ran, "a run without its output's buffer was accepted"))
}
