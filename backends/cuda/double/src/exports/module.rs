//! Modules and libraries.

use crate::abi::{Answer, DevicePtr, Handle, Out, Text};
use crate::book::Kind;
use crate::state::Double;
use crate::status::{INVALID_VALUE, refuse};

fn load(d: &mut Double, module: Out<Handle>, image: u64, library: bool) -> Answer {
    if image == 0 {
        return refuse(INVALID_VALUE, "no image");
    }
    let made = d.load(image, library)?;
    module.put(made)
}

fn global(
    d: &mut Double,
    (address, bytes): (Out<DevicePtr>, Out<u64>),
    module: Handle,
    name: Text,
    library: bool,
) -> Answer {
    let (start, size) = d.global(module, &name.get()?, library)?;
    address.put_if(start);
    bytes.put_if(size);
    Ok(())
}

crate::exports! {
    fn cuModuleLoadData(module: Out<Handle>, image: u64) {
        facts: |ok| module.shown(ok, "module"),
        track: |d| d.book.add(Kind::Module, module.get(), 0),
        emulate: |d| load(d, module, image, false),
    }

    /// Options of the just-in-time compiler are not looked at: nothing is compiled.
    fn cuModuleLoadDataEx(module: Out<Handle>, image: u64, count: u32, options: u64, values: u64) {
        facts: |ok| format!("options={count} {}", module.shown(ok, "module")),
        track: |d| d.book.add(Kind::Module, module.get(), 0),
        emulate: |d| load(d, module, image, false),
    }

    fn cuModuleUnload(module: Handle) {
        facts: |ok| format!("module={module:#x}"),
        track: |d| d.book.remove(Kind::Module, module),
        emulate: |d| d.unload(module, false),
    }

    fn cuModuleGetFunction(function: Out<Handle>, module: Handle, name: Text) {
        facts: |ok| format!("module={module:#x} name={} {}", name.shown(), function.shown(ok, "function")),
        emulate: |d| { let found = d.function_named(module, &name.get()?, false)?; function.put(found) },
    }

    fn cuModuleGetGlobal_v2(address: Out<DevicePtr>, bytes: Out<u64>, module: Handle, name: Text) {
        facts: |ok| format!("module={module:#x} name={} {}", name.shown(), address.shown(ok, "address")),
        emulate: |d| global(d, (address, bytes), module, name, false),
    }

    fn cuModuleGetLoadingMode(mode: Out<u32>) {
        emulate: |d| mode.put(2),
    }

    fn cuLibraryLoadData(
        library: Out<Handle>, image: u64, options: u64, values: u64, count: u32, library_options: u64,
        library_values: u64, library_count: u32,
    ) {
        facts: |ok| library.shown(ok, "library"),
        track: |d| d.book.add(Kind::Library, library.get(), 0),
        emulate: |d| load(d, library, image, true),
    }

    fn cuLibraryUnload(library: Handle) {
        facts: |ok| format!("library={library:#x}"),
        track: |d| d.book.remove(Kind::Library, library),
        emulate: |d| d.unload(library, true),
    }

    fn cuLibraryGetKernel(kernel: Out<Handle>, library: Handle, name: Text) {
        facts: |ok| format!("library={library:#x} name={} {}", name.shown(), kernel.shown(ok, "kernel")),
        emulate: |d| { let found = d.function_named(library, &name.get()?, true)?; kernel.put(found) },
    }

    /// A library is its own module here.
    fn cuLibraryGetModule(module: Out<Handle>, library: Handle) {
        emulate: |d| { d.current()?; d.module(library, true)?; module.put(library) },
    }

    fn cuLibraryGetGlobal(address: Out<DevicePtr>, bytes: Out<u64>, library: Handle, name: Text) {
        facts: |ok| format!("library={library:#x} name={} {}", name.shown(), address.shown(ok, "address")),
        emulate: |d| global(d, (address, bytes), library, name, true),
    }

    /// A kernel is its own function here.
    fn cuKernelGetFunction(function: Out<Handle>, kernel: Handle) {
        facts: |ok| format!("kernel={kernel:#x}"),
        emulate: |d| { d.current()?; d.loaded(kernel)?; function.put(kernel) },
    }
}
