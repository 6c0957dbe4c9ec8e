//! Memory of the engine: pages that are read in place, what is refused, and what is told where there is too little.

use super::device;
use std::sync::Arc;
use tintype_accel::{
    Accelerator, Bindings, CompileOptions, Error, HostBytes, HostTensor, LaunchMode, Module, OpenOptions,
    Purpose, TensorSource, Weights,
};
use tintype_cpu::CpuDriver;
use tintype_program::{DType, Program, TensorType};

/// Its one tensor lies in memory that others have too, as a file's pages do.
struct Shared(Arc<Vec<u8>>);

impl TensorSource for Shared {
    fn origin(&self) -> String {
        "shared memory".into()
    }

    fn names(&self) -> Vec<String> {
        vec!["w".into()]
    }

    fn get(&self, _: &str) -> Result<Option<HostTensor>, String> {
        let bytes = HostBytes::Shared(Arc::clone(&self.0) as _, 0..self.0.len());
        Ok(Some(HostTensor { dtype: DType::F32, shape: vec![4], bytes }))
    }
}

fn of(values: [f32; 4]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// `y = x + w`, compiled.
fn module(device: &Arc<dyn Accelerator>) -> Arc<dyn Module> {
    let program = Program::trace("sum", |scope| {
        let scope = scope.with_dtype(DType::F32);
        let x = scope.input("x", TensorType::new(DType::F32, [4]))?;
        scope.output("y", &(&x + &scope.param("w", &[4])?)?)
    });
    device.compile(&program.unwrap(), &CompileOptions { launch: LaunchMode::Eager }).unwrap()
}

fn weights(device: &Arc<dyn Accelerator>, module: &dyn Module, held: &Arc<Vec<u8>>) -> Arc<Weights> {
    let source = Shared(Arc::clone(held));
    Weights::load(device, &module.signature().params, &source, &|_| false, &mut |_, _| {}).unwrap()
}

#[test]
fn shared_memory_is_read_where_it_lies_and_copied_when_it_is_written() {
    let device = device();
    let (module, held) = (module(&device), Arc::new(of([1.0, 2.0, 3.0, 4.0])));
    let weights = weights(&device, &*module, &held);
    assert_eq!((device.memory().mapped, device.memory().weights), (16, 0));
    let mut instance = module.bind(&weights).unwrap();
    let ty = TensorType::new(DType::F32, [4]);
    let x = device.buffer_from(&ty, of([10.0; 4])).unwrap();
    let y = device.buffer(&ty, Purpose::Data).unwrap();
    let mut bindings = Bindings::new(Arc::clone(module.signature()));
    bindings.input("x", &x).unwrap().output("y", &y).unwrap();
    instance.run(&mut bindings).unwrap();
    assert_eq!(device.download(&y).unwrap(), of([11.0, 12.0, 13.0, 14.0]));

    weights.write("w", of([5.0; 4])).unwrap();
    instance.run(&mut bindings).unwrap();
    assert_eq!(device.download(&y).unwrap(), of([15.0; 4]));
    assert_eq!(*held, of([1.0, 2.0, 3.0, 4.0]), "what others have stays");
    assert_eq!((device.memory().mapped, device.memory().weights), (0, 16));
    drop((instance, weights));
    assert_eq!((device.memory().mapped, device.memory().weights), (0, 0));
}

#[test]
fn memory_of_others_and_of_weights_is_refused_by_name() {
    let device = device();
    let (module, held) = (module(&device), Arc::new(of([1.0; 4])));
    let weights = weights(&device, &*module, &held);
    let mut instance = module.bind(&weights).unwrap();
    let ty = TensorType::new(DType::F32, [4]);
    let native = tintype_accel::Driver::open(&CpuDriver::default(), 0, &OpenOptions::default()).unwrap();
    let foreign = native.buffer(&ty, Purpose::Data).unwrap();
    let own = device.buffer(&ty, Purpose::Data).unwrap();
    let (weight, at) = weights.place(&module.signature().params[0]).unwrap();
    let weight = tintype_accel::Buffer::at(Arc::clone(weight), at, ty).unwrap();
    for (x, y, told) in [
        (&foreign, &own, "input `x` is memory of libtorch on cpu:0"),
        (&own, &weight, "result `y` is memory of its own"),
    ] {
        let mut bindings = Bindings::new(Arc::clone(module.signature()));
        bindings.input("x", x).unwrap().output("y", y).unwrap();
        let error = instance.run(&mut bindings).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    assert!(device.download(&foreign).is_err());
    assert!(device.upload(own.storage(), 1, of([0.0; 4]).into()).is_err());
}

#[test]
fn memory_that_is_not_there_is_an_error() {
    let Err(error) = device().allocate(1 << 46, Purpose::Data) else { panic!("64 TiB") };
    assert!(matches!(error, Error::DriverOutOfMemory { .. }), "{error}");
    let told = error.to_string();
    assert!(told.contains("cpu:0") && told.contains(&(1u64 << 46).to_string()), "{told}");
    assert!(!told.contains("frame #"), "{told}");
}
