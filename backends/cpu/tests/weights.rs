//! Weights: bound, shared, written in place, used where they are.

mod common;

use common::*;
use std::sync::Arc;
use tintype_accel::{
    Bindings, Buffer, Error, HostBytes, HostTensor, LaunchMode, Purpose, Signature, Weights, Within, from_f32,
};
use tintype_program::{DType, Program};

fn scaled() -> Program {
    trace(|scope| {
        let x = scope.input("x", f32s(&[2]))?;
        scope.output("y", &(&x * &scope.param("w", &[2])?)?)
    })
}

#[test]
fn a_weight_written_between_two_runs_is_a_fresh_bind() {
    for mode in MODES {
        let device = open();
        let module = compile(&device, &scaled(), mode);
        let from = Checkpoint::default().with("w", &[2], &[2.0, 3.0]);
        let weights = weights(&device, module.as_ref(), &from);
        let mut one = Session::new(&device, module.as_ref(), &weights);
        let mut other = Session::new(&device, module.as_ref(), &weights);
        one.write("x", &[1.0, 1.0]).run();
        other.write("x", &[10.0, 10.0]).run();
        let before = device.stats();
        // Ordered with the queue: the runs above read the old content, those below the new.
        weights.write("w", from_f32(DType::F32, &[5.0, 7.0])).unwrap();
        let (y, z) = (one.read("y"), other.read("y"));
        assert_eq!((y, z), (vec![2.0, 3.0], vec![20.0, 30.0]));
        assert_eq!(one.run().read("y"), [5.0, 7.0]);
        assert_eq!(other.run().read("y"), [50.0, 70.0]);
        let since = device.stats() - before;
        assert_eq!((since.compiles, since.cache_hits, since.allocations), (0, 0, 0));
        assert_eq!(weights.generation("w"), Some(1));
    }
}

/// A file's bytes, as they would be mapped: `f32` on a boundary, and from a byte further on.
struct Mapped(Vec<u32>);

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

fn mapped(range: std::ops::Range<usize>) -> Checkpoint {
    let mut bytes = [0u8; 16];
    bytes[range.clone()].copy_from_slice(&from_f32(DType::F32, &[2.0, 3.0]));
    let words = bytes.as_chunks().0.iter().map(|four| u32::from_ne_bytes(*four)).collect();
    let mut checkpoint = Checkpoint::default();
    let bytes = HostBytes::Shared(Arc::new(Mapped(words)), range);
    checkpoint.0.insert("w".into(), HostTensor { dtype: DType::F32, shape: vec![2], bytes });
    checkpoint
}

#[test]
fn mapped_weights_are_used_in_place_until_they_are_written() {
    let device = open();
    let module = compile(&device, &scaled(), LaunchMode::Compiled);
    let set = weights(&device, module.as_ref(), &mapped(4..12));
    let report = device.memory();
    assert_eq!((report.mapped, report.weights), (8, 0));
    assert_eq!(device.stats().bytes_uploaded, 0);
    let mut session = Session::new(&device, module.as_ref(), &set);
    assert_eq!(session.write("x", &[1.0, 2.0]).run().read("y"), [2.0, 6.0]);
    set.write("w", from_f32(DType::F32, &[4.0, 5.0])).unwrap();
    assert_eq!(session.run().read("y"), [4.0, 10.0]);
    let report = device.memory();
    assert_eq!((report.mapped, report.weights), (0, 8));
    drop((session, set));
    device.synchronize().unwrap();
    assert_eq!(device.memory().held(), 0);
}

#[test]
fn mapped_weights_off_the_boundary_are_copied() {
    let device = open();
    let module = compile(&device, &scaled(), LaunchMode::Compiled);
    let set = weights(&device, module.as_ref(), &mapped(5..13));
    let report = device.memory();
    assert_eq!((report.mapped, report.weights), (0, 8));
    let mut session = Session::new(&device, module.as_ref(), &set);
    assert_eq!(session.write("x", &[1.0, 2.0]).run().read("y"), [2.0, 6.0]);
}

#[test]
fn a_part_of_a_mapped_weight_may_be_written() {
    let device = open();
    let bytes: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(Mapped(vec![1, 2, 3, 4]));
    let storage = device.adopt(HostBytes::Shared(Arc::clone(&bytes), 0..16), Purpose::Weights).unwrap();
    device.upload(&storage, 4, vec![9, 0, 0, 0].into()).unwrap();
    let whole = Buffer::at(storage, 0, tintype_program::TensorType::new(DType::I32, [4])).unwrap();
    let read = device.download(&whole).unwrap();
    assert_eq!(read, [1u32, 9, 3, 4].map(u32::to_ne_bytes).concat());
    assert_eq!((*bytes).as_ref()[4], 2, "the file's own bytes are left alone");
}

#[test]
fn weights_and_buffers_of_another_accelerator_are_refused() {
    let (here, there) = (open(), open());
    let from = Checkpoint::default().with("w", &[2], &[2.0, 3.0]);
    let module = compile(&here, &scaled(), LaunchMode::Compiled);
    let theirs = compile(&there, &scaled(), LaunchMode::Compiled);
    let foreign = weights(&there, theirs.as_ref(), &from);
    let Err(error) = module.bind(&foreign) else { panic!("it was bound") };
    assert!(matches!(&error, Error::Binding { role: "parameter", name, .. } if name == "w"), "{error}");
    assert!(error.to_string().contains("another accelerator"), "{error}");

    let own = weights(&here, module.as_ref(), &from);
    let mut instance = module.bind(&own).unwrap();
    let x = there.buffer(&f32s(&[2]), Purpose::Data).unwrap();
    let y = here.buffer(&f32s(&[2]), Purpose::Data).unwrap();
    let mut bindings = Bindings::new(Arc::clone(module.signature()));
    bindings.input("x", &x).unwrap().output("y", &y).unwrap();
    assert!(instance.run(&mut bindings).unwrap_err().to_string().contains("another accelerator"));
    assert!(here.read(&x).is_err());
    assert!(here.upload(x.storage(), 0, vec![0; 8].into()).is_err());
}

#[test]
fn a_run_does_not_write_over_its_weights() {
    let device = open();
    let module = compile(&device, &scaled(), LaunchMode::Compiled);
    let from = Checkpoint::default().with("w", &[2], &[2.0, 3.0]);
    let set = weights(&device, module.as_ref(), &from);
    let weight = Arc::clone(set.resolve(&module.signature().params[0]).unwrap());
    let y = Buffer::at(weight, 0, f32s(&[2])).unwrap();
    let x = device.buffer(&f32s(&[2]), Purpose::Data).unwrap();
    let mut bindings = Bindings::new(Arc::clone(module.signature()));
    bindings.input("x", &x).unwrap().output("y", &y).unwrap();
    let error = module.bind(&set).unwrap().run(&mut bindings).unwrap_err();
    assert!(error.to_string().contains("the memory of a weight"), "{error}");
}

#[test]
fn uploads_are_held_against_their_storage() {
    let device = open();
    let storage = device.allocate(8, Purpose::Data).unwrap();
    for (offset, bytes) in [(0, 9), (8, 1), (usize::MAX, 2)] {
        assert!(device.upload(&storage, offset, vec![0; bytes].into()).is_err());
    }
    device.upload(&storage, 8, Vec::new().into()).unwrap();
    let error = device.allocate(usize::MAX / 2, Purpose::Data).unwrap_err();
    assert!(matches!(error, Error::OutOfMemory { .. }), "{error}");
    device.synchronize().unwrap();
}

#[test]
fn packed_weights_are_counted_shared_and_remade_in_place() {
    let program = trace(|scope| {
        let x = scope.input("x", f32s(&[2, 8]))?;
        scope.output("y", &layer(scope, &x)?)
    });
    let device = open();
    let all = |value: f32| vec![value; 64];
    let from = Checkpoint::default().with("0.w", &[8, 8], &all(0.0)).with("1.w", &[8, 8], &all(0.0));
    let module = compile(&device, &program, LaunchMode::Graph);
    let set = weights(&device, module.as_ref(), &from);
    assert_eq!(device.memory().derived, 0);
    let mut one = Session::new(&device, module.as_ref(), &set);
    let derived = device.memory().derived;
    assert!(derived > 0, "both weights are packed when they are bound");
    let mut other = Session::new(&device, module.as_ref(), &set);
    assert_eq!(device.memory().derived, derived, "instances share them");
    let x = numbers(16, 1);
    assert_eq!(one.write("x", &x).run().read("y"), x);
    let before = device.stats();
    set.write("1.w", from_f32(DType::F32, &all(1.0))).unwrap();
    let changed = one.run().read("y");
    assert_ne!(changed, x);
    assert_eq!(other.write("x", &x).run().read("y"), changed);
    let since = device.stats() - before;
    assert_eq!((since.compiles, since.allocations, since.captures, since.replays), (0, 0, 1, 2));
    assert_eq!(one.instance.stats().captures, 1, "what was packed stays where it is");
}

#[test]
fn weights_that_share_memory_are_placed_written_and_counted_one_by_one() {
    let device = open();
    let program = trace(|scope| {
        let sum = (&scope.param("a", &[16])? + &scope.param("b", &[16])?)?;
        scope.output("y", &sum)
    });
    let mut params = Signature::of(&program).params;
    for (slot, offset) in params.iter_mut().zip([64, 0]) {
        slot.within = Some(Within { whole: "both".into(), bytes: 128, offset });
    }
    let checkpoint = Checkpoint::default().with("a", &[16], &[1.0; 16]).with("b", &[16], &[2.0; 16]);
    let weights = Weights::load(&device, &params, &checkpoint, &|_| false, &mut |_, _| {}).unwrap();
    let both = || {
        let (storage, start) = weights.place(&params[1]).unwrap();
        assert_eq!(start, 0);
        from_bytes(&device.download(&Buffer::at(Arc::clone(storage), 0, f32s(&[32])).unwrap()).unwrap())
    };
    assert_eq!(both(), [[2.0; 16], [1.0; 16]].concat());
    weights.write("a", from_f32(DType::F32, &[7.0; 16])).unwrap();
    assert_eq!(both(), [[2.0; 16], [7.0; 16]].concat());
    assert_eq!((weights.generation("a"), weights.generation("b")), (Some(1), Some(0)));
    let refused = weights.resolve(&params[0]).unwrap_err().to_string();
    assert!(refused.contains("`a`") && refused.contains("memory of its own"), "{refused}");
}

fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    tintype_accel::to_f32(DType::F32, bytes)
}
