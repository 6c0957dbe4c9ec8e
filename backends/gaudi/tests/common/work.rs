//! A small piece of work: a block with weights, called twice, and a state.

use std::sync::Arc;
use tintype_accel::{
    Accelerator, Bindings, Buffer, CompileOptions, FlushReason, HostTensor, Instance, LaunchMode, Purpose,
    Result, TensorSource, Weights, from_f32, to_f32,
};
use tintype_program::{DType, Program, TensorType};

/// A Program of two calls of one block, of a width.
pub fn program(width: usize) -> Program {
    let program = Program::trace("work", |scope| {
        let ty = TensorType::new(DType::F32, [2, width]);
        let x = scope.input("x", ty.clone())?;
        let sum = scope.state("sum", ty)?;
        let block = scope.block("layer", &[x.ty()], |scope, x| {
            Ok(vec![x[0].linear(&scope.param("w", &[width, width])?, None)?.silu()?])
        })?;
        let y = block.call(&scope.child("a"), &[&x])?;
        let y = block.call(&scope.child("b"), &[&y[0]])?;
        scope.update(&sum, &(sum.value() + &y[0])?)?;
        scope.output("y", &y[0])
    });
    program.unwrap()
}

/// Of Programs without weights.
pub struct NoWeights;

impl TensorSource for NoWeights {
    fn origin(&self) -> String {
        "nothing".into()
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn get(&self, _name: &str) -> std::result::Result<Option<HostTensor>, String> {
        Ok(None)
    }
}

/// A Program without weights, ready to be run.
pub fn bound(
    device: &Arc<dyn Accelerator>,
    program: &Program,
    launch: LaunchMode,
) -> Result<(Box<dyn Instance>, Bindings)> {
    let module = device.compile(program, &CompileOptions { launch })?;
    let signature = Arc::clone(module.signature());
    let weights = Weights::load(device, &signature.params, &NoWeights, &|_| false, &mut |_, _| {})?;
    Ok((module.bind(&weights)?, Bindings::new(signature)))
}

struct Checkpoint(usize);

impl TensorSource for Checkpoint {
    fn origin(&self) -> String {
        "made here".into()
    }

    fn names(&self) -> Vec<String> {
        vec!["a.w".into(), "b.w".into()]
    }

    fn get(&self, name: &str) -> std::result::Result<Option<HostTensor>, String> {
        let values: Vec<f32> = (0..self.0 * self.0).map(|i| (i % 7) as f32 / 8.0 - 0.25).collect();
        Ok(self.names().contains(&name.to_string()).then(|| HostTensor::from_f32([self.0, self.0], &values)))
    }
}

/// The work, ready to be run.
pub struct Work {
    pub device: Arc<dyn Accelerator>,
    instance: Box<dyn Instance>,
    bindings: Bindings,
    y: Buffer,
    sum: Buffer,
}

impl Work {
    pub fn new(device: Arc<dyn Accelerator>, launch: LaunchMode, width: usize) -> Result<Self> {
        let module = device.compile(&program(width), &CompileOptions { launch })?;
        let signature = Arc::clone(module.signature());
        let checkpoint = Checkpoint(width);
        let weights = Weights::load(&device, &signature.params, &checkpoint, &|_| false, &mut |_, _| {})?;
        let instance = module.bind(&weights)?;
        let ty = TensorType::new(DType::F32, [2, width]);
        let values: Vec<f32> = (0..2 * width).map(|i| i as f32 / 16.0).collect();
        let x = device.buffer_from(&ty, from_f32(DType::F32, &values))?;
        let sum = device.buffer_from(&ty, vec![0; ty.bytes()])?;
        let y = device.buffer(&ty, Purpose::Data)?;
        let mut bindings = Bindings::new(signature);
        bindings.input("x", &x)?.state("sum", &sum)?.output("y", &y)?;
        Ok(Self { device, instance, bindings, y, sum })
    }

    /// One run, which is not flushed.
    pub fn run(&mut self) -> Result<()> {
        self.instance.run(&mut self.bindings)
    }

    /// One step, as a pipeline makes it.
    pub fn step(&mut self) -> Result<()> {
        self.run()?;
        self.device.flush(FlushReason::Step)
    }

    /// The output, and the sum of all outputs.
    pub fn read(&self) -> Result<[Vec<f32>; 2]> {
        let read = |buffer| self.device.download(buffer).map(|bytes| to_f32(DType::F32, &bytes));
        Ok([read(&self.y)?, read(&self.sum)?])
    }
}
