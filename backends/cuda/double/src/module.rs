//! Modules, libraries and their functions.

use std::collections::HashMap;
use std::ffi::CString;
use std::sync::Arc;

use crate::abi::{Answer, DevicePtr, Handle};
use crate::image::{Image, Kernel};
use crate::state::Double;
use crate::status::*;

/// A module, or a library, which no context owns.
#[derive(Debug)]
pub struct Module {
    /// Its context; 0 of a library.
    pub context: Handle,
    /// Whether it is a library.
    pub library: bool,
    /// What is in it.
    pub image: Image,
    /// Functions that were asked for.
    pub functions: HashMap<String, Handle>,
    /// Variables that were asked for.
    pub globals: HashMap<String, DevicePtr>,
}

/// A function of a module, or a kernel of a library.
#[derive(Debug, Clone)]
pub struct Function {
    /// Where it is from.
    pub module: Handle,
    /// What its image says of it.
    pub kernel: Arc<Kernel>,
    /// Its name in C.
    pub name: Arc<CString>,
    /// The dynamic shared memory that it may be launched with, in bytes.
    pub dynamic_limit: u32,
    /// Other attributes that were set.
    pub attributes: HashMap<u32, i32>,
}

impl Double {
    /// Loads an image from the caller's memory.
    pub fn load(&mut self, address: u64, library: bool) -> Answer<Handle> {
        let context = if library { 0 } else { self.current()? };
        let image = Image::read(&mut self.host, address, self.config.capability)?;
        let names: Vec<&str> = image.kernels.keys().map(String::as_str).collect();
        let note = format!("image={} kernels={}", image.kind, names.join(","));
        self.note(note);
        let handle = self.new_handle();
        let module = Module { context, library, image, functions: HashMap::new(), globals: HashMap::new() };
        self.modules.insert(handle, module);
        Ok(handle)
    }

    /// A module (or library) that must be alive.
    pub fn module(&mut self, module: Handle, library: bool) -> Answer<&mut Module> {
        match self.modules.get_mut(&module) {
            Some(found) if found.library == library => Ok(found),
            _ => refuse(INVALID_HANDLE, format!("module {module:#x} is not alive")),
        }
    }

    /// Unloads.
    pub fn unload(&mut self, module: Handle, library: bool) -> Answer {
        let globals: Vec<DevicePtr> = self.module(module, library)?.globals.values().copied().collect();
        self.drain_all();
        globals.into_iter().for_each(|address| self.memory.release(address));
        self.modules.remove(&module);
        Ok(())
    }

    /// A function by its name.
    pub fn function_named(&mut self, module: Handle, name: &str, library: bool) -> Answer<Handle> {
        let found = self.module(module, library)?;
        if let Some(handle) = found.functions.get(name) {
            return Ok(*handle);
        }
        let Some(kernel) = found.image.kernels.get(name).cloned() else {
            let names: Vec<&str> = found.image.kernels.keys().map(String::as_str).collect();
            return refuse(NOT_FOUND, format!("no kernel `{name}`; there are {}", names.join(", ")));
        };
        let c_name = CString::new(name).unwrap_or_default();
        let handle = self.new_handle();
        let dynamic_limit = (48u32 << 10).saturating_sub(kernel.static_shared);
        let function =
            Function { module, kernel, name: Arc::new(c_name), dynamic_limit, attributes: HashMap::new() };
        self.functions.insert(handle, function);
        self.module(module, library)?.functions.insert(name.into(), handle);
        Ok(handle)
    }

    /// A function whose module must still be loaded.
    pub fn loaded(&self, function: Handle) -> Answer<&Function> {
        match self.functions.get(&function) {
            Some(found) if self.modules.contains_key(&found.module) => Ok(found),
            Some(found) => refuse(INVALID_HANDLE, format!("the module of {:?} was unloaded", found.name)),
            None => refuse(INVALID_HANDLE, format!("function {function:#x} is not one")),
        }
    }

    /// A variable's address and bytes.
    pub fn global(&mut self, module: Handle, name: &str, library: bool) -> Answer<(DevicePtr, u64)> {
        let (context, device, capacity) = (self.current()?, self.current_device()?, self.config.memory);
        let found = self.module(module, library)?;
        let Some(bytes) = found.image.globals.get(name).copied() else {
            return refuse(NOT_FOUND, format!("no variable `{name}`"));
        };
        if let Some(address) = found.globals.get(name) {
            return Ok((*address, bytes));
        }
        let address = self.memory.allocate(bytes.max(1), capacity, (device, context, 0), true)?;
        self.module(module, library)?.globals.insert(name.into(), address);
        Ok((address, bytes))
    }

    /// `cuFuncGetAttribute`.
    pub fn function_attribute(&self, function: Handle, attribute: u32) -> Answer<i32> {
        let found = self.loaded(function)?;
        let kernel = &found.kernel;
        Ok(match attribute {
            0 => kernel.max_threads as i32,
            1 => kernel.static_shared as i32,
            2 | 3 | 7 => 0,
            4 => kernel.registers as i32,
            5 | 6 => self.config.capability as i32,
            8 => found.dynamic_limit as i32,
            9 => found.attributes.get(&9).copied().unwrap_or(-1),
            10..=15 => found.attributes.get(&attribute).copied().unwrap_or(0),
            _ => return refuse(INVALID_VALUE, format!("function attribute {attribute}")),
        })
    }

    /// `cuFuncSetAttribute`.
    pub fn set_function_attribute(&mut self, function: Handle, attribute: u32, value: i32) -> Answer {
        let fixed = self.loaded(function)?.kernel.static_shared;
        let limit = self.config.shared_memory().1.saturating_sub(fixed);
        let Some(found) = self.functions.get_mut(&function) else {
            return refuse(INVALID_HANDLE, "no function");
        };
        match (attribute, u32::try_from(value)) {
            (8, Ok(bytes)) if bytes <= limit => found.dynamic_limit = bytes,
            (8, _) => return refuse(INVALID_VALUE, format!("{value} bytes of shared memory of {limit}")),
            (9, _) if (-1..=100).contains(&value) => drop(found.attributes.insert(9, value)),
            (10..=15, Ok(_)) => drop(found.attributes.insert(attribute, value)),
            _ => return refuse(INVALID_VALUE, format!("function attribute {attribute} = {value}")),
        }
        Ok(())
    }
}
