//! One operation as a Program, compiled and bound, ready to be run again and again.
#![allow(clippy::unwrap_used, reason = "a benchmark may fail loudly")]

use std::sync::Arc;
use tintype::accel::{
    Accelerator, Bindings, CompileOptions, HostTensor, Instance, LaunchMode, Purpose, TensorSource, Weights,
    from_f32,
};
use tintype::program::{Program, cost};

/// A bound Program with its inputs and outputs on the CPU.
pub struct Operation {
    accelerator: Arc<dyn Accelerator>,
    instance: Box<dyn Instance>,
    bindings: Bindings,
    /// FLOPs of one run.
    pub flops: u64,
}

/// Numbers of about unit size without a pattern that arithmetic could profit from.
struct Drawn(Vec<(String, tintype::accel::ParamSlot)>);

impl TensorSource for Drawn {
    fn origin(&self) -> String {
        "drawn".into()
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }

    fn get(&self, name: &str) -> Result<Option<HostTensor>, String> {
        let slot = self.0.iter().find(|(known, _)| known == name).map(|(_, slot)| slot);
        Ok(slot.map(|slot| {
            let bytes = from_f32(slot.ty.dtype, &drawn(slot.ty.elements(), name.len()));
            HostTensor { dtype: slot.ty.dtype, shape: slot.ty.shape.clone(), bytes: bytes.into() }
        }))
    }
}

/// Between -1 and 1, uniform: a Weyl sequence, hashed.
fn drawn(count: usize, seed: usize) -> Vec<f32> {
    let mix = |i: u64| (i ^ (i >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40;
    let at = |i: usize| mix((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(seed as u64));
    (0..count).map(|i| at(i) as f32 / (1u32 << 23) as f32 - 1.0).collect()
}

impl Operation {
    /// Compiles a Program whose parameters are plain loads, on a CPU of two threads.
    pub fn new(program: &Program) -> Self {
        let mut options = tintype::OpenOptions::default();
        options.threads = Some(2);
        let accelerator = tintype::backends().open("cpu", None, &options).unwrap().accelerator;
        let module = accelerator.compile(program, &CompileOptions { launch: LaunchMode::Compiled }).unwrap();
        let signature = Arc::clone(module.signature());
        let source = Drawn(signature.params.iter().map(|slot| (slot.name.clone(), slot.clone())).collect());
        let weights =
            Weights::load(&accelerator, &signature.params, &source, &|_| false, &mut |_, _| {}).unwrap();
        let mut bindings = Bindings::new(Arc::clone(&signature));
        for (i, slot) in signature.inputs.iter().enumerate() {
            let bytes = from_f32(slot.ty.dtype, &drawn(slot.ty.elements(), i + 1000));
            bindings.input(&slot.name, &accelerator.buffer_from(&slot.ty, bytes).unwrap()).unwrap();
        }
        for slot in &signature.outputs {
            bindings.output(&slot.name, &accelerator.buffer(&slot.ty, Purpose::Data).unwrap()).unwrap();
        }
        let instance = module.bind(&weights).unwrap();
        let flops = cost::of_program(program).total.flops;
        let mut made = Self { accelerator, instance, bindings, flops };
        made.run();
        made
    }

    /// One run, to its end.
    pub fn run(&mut self) {
        self.instance.run(&mut self.bindings).unwrap();
        self.accelerator.synchronize().unwrap();
    }
}
