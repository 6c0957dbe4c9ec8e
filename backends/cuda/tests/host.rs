//! The host's side of the runtime, under the software double of the driver.

#![allow(clippy::unwrap_used, clippy::panic)]

mod double;

use double::{Witness, alive, emulated};
use std::sync::Arc;
use std::time::Duration;
use tintype_accel::{Driver, Error, FileBytes, HostBytes, OpenOptions, Purpose};
use tintype_cuda::{CudaDriver, open, probe};
use tintype_gpu::driver::DeviceRuntime;
use tintype_gpu::{
    Attention, Call, Epilogue, Kernel, KernelSource, LibraryOp, MatMul, Matrix, Runtime, Scalar,
};
use tintype_program::DType;

fn bytes(count: usize) -> HostBytes {
    (0..count).map(|i| (i * 7 + i / 251) as u8).collect::<Vec<_>>().into()
}

/// A kernel, where there is an NVRTC to compile it.
fn kernel(runtime: &DeviceRuntime) -> Result<Option<Kernel>, Error> {
    let code = "extern \"C\" __global__ void nothing(float *x, int n) { if (n < 0) x[0] = 0; }";
    let source = KernelSource { entry: "nothing".into(), code: Arc::from(code) };
    match runtime.load(&source) {
        Ok(kernel) => Ok(Some(kernel)),
        Err(Error::Unavailable { reason, .. }) => {
            println!("NOT RUN, kernels: {reason}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What cuDNN takes where it is there.
fn attention() -> LibraryOp {
    let strides = [24 * 512 * 128, 512 * 128, 128];
    LibraryOp::Attention(Attention {
        batch: 1,
        heads: 24,
        queries: 512,
        keys: 512,
        depth: 128,
        value_depth: 128,
        dtype: DType::Bf16,
        q: strides,
        k: strides,
        v: strides,
        o: strides,
        scale: 0.088_388_35_f32.to_bits(),
        mask: None,
    })
}

#[test]
fn what_is_uploaded_comes_back_large_or_small() {
    if !emulated("what_is_uploaded_comes_back_large_or_small", "memory=1GiB") {
        return;
    }
    let runtime = open(0, None).unwrap();
    for count in [0, 1, 255, 4096, (8 << 20) - 1, (8 << 20) + 1, 150_000_000] {
        let data = bytes(count);
        let (to, other) =
            (runtime.allocate(count, "data").unwrap(), runtime.allocate(count, "data").unwrap());
        assert!(to.is_multiple_of(256) && other.is_multiple_of(256));
        runtime.upload(to, &data).unwrap();
        runtime.copy(other, to, count).unwrap();
        let incoming = runtime.download(other, count).unwrap();
        assert!(incoming.wait().unwrap() == data.as_slice(), "{count} bytes");
        assert!(incoming.poll().unwrap() && incoming.wait().unwrap().is_empty());
        runtime.free(to);
        runtime.free(other);
    }
    drop(runtime);
    assert_eq!(alive(&Witness::new()), [""; 0]);
}

/// What lies at an address.
fn at(runtime: &DeviceRuntime, address: u64, bytes: usize) -> Vec<u8> {
    runtime.download(address, bytes).unwrap().wait().unwrap()
}

#[test]
fn many_uploads_at_once_come_back_each_as_it_was() {
    if !emulated("many_uploads_at_once_come_back_each_as_it_was", "memory=1GiB") {
        return;
    }
    for threads in [Some(1), Some(5), None] {
        let runtime = open(0, threads).unwrap();
        let counts = [0, 3, 20_000_000, 1 << 20, 1, 5 << 20, 4 << 20, 77];
        let all: Vec<(u64, HostBytes)> =
            counts.map(|count| (runtime.allocate(count, "data").unwrap(), bytes(count))).into();
        runtime.upload_all(&all).unwrap();
        for (address, data) in &all {
            assert!(at(&runtime, *address, data.len()) == data.as_slice(), "{} bytes", data.len());
        }
        assert_eq!(runtime.detours(), 0);
    }
}

#[test]
fn without_page_locked_memory_uploads_take_ordinary_memory_and_are_counted() {
    if !emulated("without_page_locked_memory_uploads_take_ordinary_memory_and_are_counted", "memory=1GiB") {
        return;
    }
    let (device, witness) = (CudaDriver.open(0, &OpenOptions::default()).unwrap(), Witness::new());
    witness.fail("cuMemHostAlloc", 1, 2);
    let data = bytes(30_000_000);
    let all = device.adopt_all(vec![data.clone(), bytes(5)], Purpose::Weights).unwrap();
    assert_eq!(device.stats().fallbacks, 1);
    let ty = tintype_program::TensorType::new(DType::U8, [data.len()]);
    let buffer = tintype_accel::Buffer::at(Arc::clone(&all[0]), 0, ty).unwrap();
    assert!(device.download(&buffer).unwrap() == data.as_slice());
    // Whatever else the driver says of it is an error.
    let runtime = open(0, None).unwrap();
    let to = runtime.allocate(10, "data").unwrap();
    witness.fail("cuMemHostAlloc", 1, 801);
    assert!(runtime.upload(to, &bytes(10)).unwrap_err().to_string().contains("cuMemHostAlloc"));
    runtime.upload(to, &bytes(10)).unwrap();
}

/// A file that has lost its end since it was mapped.
struct Cut(Vec<u8>, usize);

impl AsRef<[u8]> for Cut {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl FileBytes for Cut {
    fn read_at(&self, offset: usize, into: &mut [u8]) -> std::io::Result<()> {
        let there = self.0[..self.1].get(offset..offset + into.len());
        into.copy_from_slice(there.ok_or(std::io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn name(&self) -> String {
        "shard.safetensors".into()
    }
}

#[test]
fn a_file_that_is_cut_short_while_it_is_read_is_an_error() {
    if !emulated("a_file_that_is_cut_short_while_it_is_read_is_an_error", "memory=1GiB") {
        return;
    }
    let (runtime, length) = (open(0, None).unwrap(), 40_000_000);
    let file: Arc<dyn FileBytes> = Arc::new(Cut(bytes(length).as_slice().to_vec(), 30_000_000));
    let to = runtime.allocate(length, "weights").unwrap();
    let whole = runtime.upload_all(&[(to, HostBytes::File(Arc::clone(&file), 0..length))]);
    let told = whole.unwrap_err().to_string();
    assert!(told.contains("shard.safetensors") && told.contains("cut it short"), "{told}");
    // What is still there can be read, and nothing hangs.
    runtime.upload(to, &HostBytes::File(file, 5..29_000_000)).unwrap();
    assert!(at(&runtime, to, 28_999_995) == bytes(length).as_slice()[5..29_000_000]);
    drop(runtime);
    assert_eq!(alive(&Witness::new()), [""; 0]);
}

#[test]
fn what_the_driver_takes_by_itself_is_told_and_let_go() {
    if !emulated("what_the_driver_takes_by_itself_is_told_and_let_go", "memory=1GiB") {
        return;
    }
    let bare = CudaDriver.bare(0).unwrap().unwrap();
    let names: Vec<_> = bare.made.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..2], ["driver", "context"]);
    assert!(bare.upload.unwrap() > 0.0 && bare.seconds() > 0.0);
    assert_eq!(alive(&Witness::new()), [""; 0]);
    assert!(matches!(CudaDriver.bare(7), Err(Error::NoSuchDevice { .. })));
}

#[test]
fn a_replay_is_one_call_and_waits_for_nothing() {
    if !emulated("a_replay_is_one_call_and_waits_for_nothing", "") {
        return;
    }
    let (runtime, witness) = (open(0, None).unwrap(), Witness::new());
    let (a, b) = (runtime.allocate(1024, "a").unwrap(), runtime.allocate(1024, "b").unwrap());
    let kernel = kernel(&runtime).unwrap();
    let graph = runtime
        .capture(&mut || {
            let params = [Scalar::Address(a), Scalar::I32(256)];
            if let Some(kernel) = kernel {
                runtime.launch(&Call {
                    kernel,
                    grid: [2, 1, 1],
                    block: [64, 1, 1],
                    shared: 60_000,
                    params: &params,
                })?;
            }
            // Another thread may take and give memory meanwhile.
            let meanwhile = runtime.allocate(512, "meanwhile")?;
            runtime.free(meanwhile);
            runtime.copy(b, a, 1024)
        })
        .unwrap();
    runtime.upload(a, &bytes(1024)).unwrap();
    witness.reset();
    runtime.replay(&graph).unwrap();
    let counts = witness.counts();
    assert_eq!(counts["calls"], serde_json::json!({ "cuGraphLaunch": 1 }), "{counts}");
    assert_eq!(runtime.download(b, 1024).unwrap().wait().unwrap(), bytes(1024).as_slice());
    runtime.forget(graph);
    drop(runtime);
    assert_eq!(alive(&witness), [""; 0]);
}

#[test]
fn a_capture_whose_work_fails_is_ended() {
    if !emulated("a_capture_whose_work_fails_is_ended", "") {
        return;
    }
    let runtime = open(0, None).unwrap();
    let broken = || Error::Internal { backend: "test".into(), reason: "broken".into() };
    let error = runtime.capture(&mut || Err(broken())).unwrap_err();
    assert!(error.to_string().contains("broken"));
    let refused = runtime.capture(&mut || runtime.upload(0, &bytes(10)));
    assert!(refused.unwrap_err().to_string().contains("during a capture"));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runtime.capture(&mut || panic!("in the middle"))
    }));
    assert!(panicked.is_err());
    let at = runtime.allocate(10, "after").unwrap();
    runtime.upload(at, &bytes(10)).unwrap();
    assert_eq!(runtime.download(at, 10).unwrap().wait().unwrap().len(), 10);
}

#[test]
fn a_library_is_asked_once_nobody_captures_and_never_by_who_does() {
    if !emulated("a_library_is_asked_once_nobody_captures_and_never_by_who_does", "") {
        return;
    }
    let runtime = open(0, None).unwrap();
    let ask = || runtime.prepare(&attention()).err().unwrap_or_default();
    let (told, heard) = std::sync::mpsc::channel();
    let within = "during a capture";
    std::thread::scope(|scope| {
        let capture = runtime.capture(&mut || {
            assert!(ask().contains(within));
            let told = told.clone();
            scope.spawn(move || told.send(ask()));
            assert!(
                heard.recv_timeout(Duration::from_millis(200)).is_err(),
                "asked while this thread captures"
            );
            Ok(())
        });
        runtime.forget(capture.unwrap());
        let other = heard.recv_timeout(Duration::from_secs(60)).unwrap();
        assert!(!other.contains(within), "{other}");
    });
}

#[test]
fn events_come_in_order_and_are_used_again() {
    if !emulated("events_come_in_order_and_are_used_again", "") {
        return;
    }
    let (runtime, witness) = (open(0, None).unwrap(), Witness::new());
    for _ in 0..10 {
        let event = runtime.record().unwrap();
        runtime.wait(&event).unwrap();
        assert!(runtime.poll(&event).unwrap());
        runtime.release(event);
    }
    assert_eq!(witness.calls("cuEventCreate"), 1);
    let unknown = tintype_gpu::Event(99);
    assert!(runtime.wait(&unknown).unwrap_err().to_string().contains("no event 99"));
}

#[test]
fn memory_that_runs_out_is_told_with_who_asked_and_what_is_free() {
    if !emulated("memory_that_runs_out_is_told_with_who_asked_and_what_is_free", "memory=1GiB") {
        return;
    }
    let runtime = open(0, None).unwrap();
    let most = runtime.free_memory().unwrap();
    let error = runtime.allocate(2 << 30, "the arena").unwrap_err();
    let Error::OutOfMemory { what, needed, free, device } = error else { panic!("{error}") };
    assert_eq!((what.as_str(), needed, device.as_str()), ("the arena", 2 << 30, "cuda:0"));
    assert!(free > 0 && free <= most);
    // What is given back can be taken again, by blocks of another size.
    let blocks: Vec<_> = (0..4).map(|_| runtime.allocate(200 << 20, "block").unwrap()).collect();
    blocks.into_iter().for_each(|block| runtime.free(block));
    let whole = runtime.allocate(800 << 20, "whole").unwrap();
    runtime.free(whole);
}

/// Everything that a run does, once.
fn everything() -> Result<(), Error> {
    let runtime = open(0, None)?;
    let (a, b) = (runtime.allocate(1 << 20, "a")?, runtime.allocate(1 << 20, "b")?);
    runtime.upload(a, &bytes(1 << 20))?;
    let kernel = kernel(&runtime)?;
    let graph = runtime.capture(&mut || {
        if let Some(kernel) = kernel {
            let params = [Scalar::Address(a), Scalar::I32(1)];
            runtime.launch(&Call { kernel, grid: [1; 3], block: [32, 1, 1], shared: 0, params: &params })?;
        }
        runtime.copy(b, a, 1 << 20)
    })?;
    runtime.replay(&graph)?;
    let event = runtime.record()?;
    let incoming = runtime.download(b, 1 << 20)?;
    runtime.poll(&event)?;
    runtime.wait(&event)?;
    runtime.release(event);
    assert!(incoming.wait()? == bytes(1 << 20).as_slice());
    runtime.free(a);
    runtime.forget(graph);
    runtime.free_memory()?;
    runtime.synchronize()
}

#[test]
fn whichever_call_fails_nothing_is_left_behind() {
    if !emulated("whichever_call_fails_nothing_is_left_behind", "") {
        return;
    }
    let witness = Witness::new();
    everything().unwrap();
    let calls: u64 =
        witness.counts()["calls"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
    let mut struck = 0;
    for nth in 1..=calls {
        for status in [2, 700] {
            witness.restart("");
            witness.fail("*", nth, status);
            let outcome = everything();
            let failed = witness.counts()["failed"].clone();
            let left = alive(&witness);
            // What could not be let go because that very call failed is left.
            let letting_go = ["Destroy", "Free", "Unload", "Release"];
            let excused =
                failed.as_object().unwrap().keys().any(|f| letting_go.iter().any(|word| f.contains(word)));
            let few = left.iter().filter(|kind| !kind.contains("_bytes")).count() <= 1;
            assert!(left.is_empty() || (excused && few), "call {nth} gave {status} ({failed}): {left:?}");
            if let Err(error) = outcome {
                struck += 1;
                assert!(error.to_string().len() > 40, "{error}");
            }
        }
    }
    println!("{calls} calls, each failed twice: {struck} errors");
    assert!(struck > calls);
    witness.restart("");
    everything().unwrap();
}

/// A kernel that no other is.
fn source(name: &str) -> KernelSource {
    let code =
        format!("extern \"C\" __global__ void {name}(float *x) {{ x[threadIdx.x] = {}; }}", name.len());
    KernelSource { entry: name.into(), code: code.into() }
}

#[test]
fn kernels_are_compiled_once_and_need_no_compiler_where_they_are_kept() {
    let name = "kernels_are_compiled_once_and_need_no_compiler_where_they_are_kept";
    if !emulated(name, "") {
        return;
    }
    let runtime = open(0, None).unwrap();
    let sources = [source("one"), source("other"), source("one")];
    if std::env::var_os("WITHOUT_COMPILER").is_some() {
        let kernels = runtime.load_all(&sources).unwrap();
        assert!(kernels[0] == kernels[2] && kernels[0] != kernels[1]);
        assert_eq!(runtime.compiled(), 0);
        match runtime.load(&source("third")) {
            Ok(_) => println!("NOT RUN: the loader finds NVRTC by itself"),
            Err(error) => assert!(error.to_string().contains("pip install nvidia-cuda-nvrtc"), "{error}"),
        }
        return;
    }
    if kernel(&runtime).unwrap().is_none() {
        return;
    }
    let kernels = runtime.load_all(&sources).unwrap();
    assert!(kernels[0] == kernels[2] && kernels[0] != kernels[1]);
    assert_eq!(runtime.compiled(), 3);
    let broken = KernelSource { entry: "absent".into(), code: source("one").code };
    assert!(runtime.load(&broken).unwrap_err().to_string().contains("cuModuleGetFunction"));
    let cache = std::env::var_os("TINTYPE_KERNEL_CACHE").unwrap();
    let mut process = double::again(name, "");
    for variable in
        ["LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "PATH", "HOME"]
    {
        process.env_remove(variable);
    }
    assert!(
        process.env("WITHOUT_COMPILER", "").env("TINTYPE_KERNEL_CACHE", cache).status().unwrap().success()
    );
}

#[test]
fn work_is_offered_to_the_libraries_where_they_are() {
    if !emulated("work_is_offered_to_the_libraries_where_they_are", "") {
        return;
    }
    let runtime = open(0, None).unwrap();
    let matrix = |leading, transposed| Matrix { leading, transposed, batch: 0 };
    let product = LibraryOp::MatMul(MatMul {
        batch: 1,
        m: 256,
        n: 512,
        k: 128,
        dtype: DType::Bf16,
        a: matrix(128, false),
        b: matrix(128, true),
        d: matrix(512, false),
        bias: true,
        epilogue: Epilogue::None,
        tf32: false,
        alignment: 16,
    });
    let attention = attention();
    for op in [product, attention] {
        // Whether they take it depends on what is installed; that they refuse with a reason does not.
        match runtime.prepare(&op) {
            Ok(prepared) => {
                println!("{} takes it, {} bytes of workspace", prepared.describe(), prepared.workspace())
            }
            Err(reason) => {
                println!("refused: {reason}");
                assert!(reason.len() > 20);
            }
        }
    }
}

#[test]
fn a_device_is_told_as_what_it_is() {
    if !emulated("a_device_is_told_as_what_it_is", "devices=2,memory=24GiB,capability=89") {
        return;
    }
    let found = probe();
    assert!(found.obstacle.is_none() && found.devices.len() == 2);
    let device = &found.devices[1];
    assert!(device.emulated && device.id.starts_with("GPU-") && device.id != found.devices[0].id);
    assert_eq!((device.arch.as_str(), device.memory, device.ordinal), ("sm_89", Some(24 << 30), 1));
    let names: Vec<_> = device.versions.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["driver", "cuBLASLt", "cuDNN", "NVRTC"]);
    println!("{:#?}", device.versions);
    let error = open(2, None).err().unwrap();
    assert!(matches!(error, Error::NoSuchDevice { .. }), "{error}");
}

/// The obstacle on a machine.
fn obstacle(test: &str, machine: &str, kind: &str, words: &str) {
    if emulated(test, machine) {
        let obstacle = probe().obstacle.unwrap();
        assert_eq!(serde_json::to_value(obstacle.kind).unwrap(), kind, "{}", obstacle.reason);
        assert!(obstacle.reason.contains(words), "{}", obstacle.reason);
        assert!(matches!(open(0, None).err(), Some(Error::Unavailable { .. } | Error::Device { .. })));
    }
}

#[test]
fn an_old_driver_is_told_with_both_versions() {
    obstacle(
        "an_old_driver_is_told_with_both_versions",
        "old_driver",
        "driver_too_old",
        "CUDA 11.4 at most, and CUDA 12.0",
    );
}

#[test]
fn no_device_is_told() {
    obstacle("no_device_is_told", "no_device", "no_device", "CUDA_ERROR_NO_DEVICE");
}

#[test]
fn a_driver_that_does_not_fit_its_module_is_told() {
    obstacle("a_driver_that_does_not_fit_its_module_is_told", "mismatch", "driver_too_old", "803");
}

#[test]
fn an_old_device_is_told_with_both_capabilities() {
    obstacle("an_old_device_is_told_with_both_capabilities", "capability=75", "unsupported", "7.5, and 8.0");
}

#[test]
fn a_device_that_another_process_has_is_told() {
    if emulated("a_device_that_another_process_has_is_told", "busy") {
        let error = open(0, None).err().unwrap();
        println!("{error}");
        assert!(
            error.to_string().contains("CUDA_ERROR_DEVICE_UNAVAILABLE")
                || error.to_string().contains("exclusive")
        );
    }
}
