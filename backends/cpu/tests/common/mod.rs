//! What the tests share: a checkpoint in memory, and a Program brought to run in one line.

// Each test binary uses a part of it.
#![allow(dead_code)]
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use tintype_accel::{
    Accelerator, Bindings, Buffer, CompileOptions, Driver, HostTensor, Instance, LaunchMode, Module,
    OpenOptions, Purpose, TensorSource, Weights, from_f32, to_f32,
};
use tintype_cpu::CpuDriver;
use tintype_program::{DType, Program, Result, Scope, TensorType, Value};

pub const MODES: [LaunchMode; 3] = [LaunchMode::Compiled, LaunchMode::Graph, LaunchMode::Eager];

pub fn f32s(shape: &[usize]) -> TensorType {
    TensorType::new(DType::F32, shape)
}

pub fn open() -> Arc<dyn Accelerator> {
    let mut options = OpenOptions::default();
    options.threads = Some(2);
    CpuDriver::default().open(0, &options).unwrap()
}

pub fn trace(build: impl FnOnce(&Scope) -> Result<()>) -> Program {
    Program::trace("test", build).unwrap()
}

pub fn compile(device: &Arc<dyn Accelerator>, program: &Program, launch: LaunchMode) -> Arc<dyn Module> {
    device.compile(program, &CompileOptions { launch }).unwrap()
}

/// Tensors in host memory, by name.
#[derive(Default)]
pub struct Checkpoint(pub BTreeMap<String, HostTensor>);

impl Checkpoint {
    pub fn with(mut self, name: &str, shape: &[usize], values: &[f32]) -> Self {
        self.0.insert(name.into(), HostTensor::from_f32(shape, values));
        self
    }
}

impl TensorSource for Checkpoint {
    fn origin(&self) -> String {
        "the test".into()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn get(&self, name: &str) -> std::result::Result<Option<HostTensor>, String> {
        Ok(self.0.get(name).cloned())
    }
}

pub fn weights(device: &Arc<dyn Accelerator>, module: &dyn Module, checkpoint: &Checkpoint) -> Arc<Weights> {
    Weights::load(device, &module.signature().params, checkpoint, &|_| false, &mut |_, _| {}).unwrap()
}

/// An instance with a buffer for every slot.
pub struct Session {
    pub device: Arc<dyn Accelerator>,
    pub instance: Box<dyn Instance>,
    pub bindings: Bindings,
    pub buffers: BTreeMap<String, Buffer>,
}

impl Session {
    pub fn new(device: &Arc<dyn Accelerator>, module: &dyn Module, weights: &Arc<Weights>) -> Self {
        let signature = module.signature();
        let mut bindings = Bindings::new(Arc::clone(signature));
        let mut buffers = BTreeMap::new();
        let buffer = |ty: &TensorType| device.buffer(ty, Purpose::Data).unwrap();
        for slot in &signature.inputs {
            let buffer = buffer(&slot.ty);
            bindings.input(&slot.name, &buffer).unwrap();
            buffers.insert(slot.name.clone(), buffer);
        }
        for slot in &signature.states {
            let buffer = buffer(&slot.ty);
            bindings.state(&slot.name, &buffer).unwrap();
            buffers.insert(slot.name.clone(), buffer);
        }
        for slot in &signature.outputs {
            let buffer = buffer(&slot.ty);
            bindings.output(&slot.name, &buffer).unwrap();
            buffers.insert(slot.name.clone(), buffer);
        }
        let instance = module.bind(weights).unwrap();
        Self { device: Arc::clone(device), instance, bindings, buffers }
    }

    pub fn of(
        device: &Arc<dyn Accelerator>,
        program: &Program,
        launch: LaunchMode,
        from: &Checkpoint,
    ) -> Self {
        let module = compile(device, program, launch);
        let weights = weights(device, module.as_ref(), from);
        Self::new(device, module.as_ref(), &weights)
    }

    pub fn write(&mut self, name: &str, values: &[f32]) -> &mut Self {
        let buffer = &self.buffers[name];
        self.device.write(buffer, from_f32(buffer.ty().dtype, values)).unwrap();
        self
    }

    pub fn run(&mut self) -> &mut Self {
        self.instance.run(&mut self.bindings).unwrap();
        self
    }

    pub fn read(&self, name: &str) -> Vec<f32> {
        let buffer = &self.buffers[name];
        to_f32(buffer.ty().dtype, &self.device.download(buffer).unwrap())
    }
}

/// Numbers without a pattern, in [-1, 1).
pub fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A block of a linear layer and what follows, called twice: parameters `0.w` and `1.w`.
pub fn layer(scope: &Scope, x: &Value) -> Result<Value> {
    let block = scope.block("layer", &[x.ty()], |scope, x| {
        let y = x[0].linear(&scope.param("w", &[8, 8])?, None)?;
        Ok(vec![(&y.silu()? + &x[0])?])
    })?;
    let y = block.call(&scope.child(0), &[x])?;
    Ok(block.call(&scope.child(1), &[&y[0]])?.remove(0))
}
