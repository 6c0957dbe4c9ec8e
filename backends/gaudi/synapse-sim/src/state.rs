//! All that the process has of this library: the device, and every object by its handle.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::abi::{Outcome, Status, fault};
use crate::event::Event;
use crate::graph::{Graph, Section, Tensor};
use crate::host::Host;
use crate::memory::Memory;
use crate::recipe::Recipe;
use crate::stream::Stream;

/// A handle as it crosses the interface: opaque, as wide as a pointer, never used twice.
pub type Handle = u64;

/// The device of this process. Its id is always 0.
pub struct Device {
    pub kind: i32,
    pub memory: Memory,
    pub host: Host,
}

#[derive(Default)]
pub struct State {
    pub initialized: bool,
    pub device: Option<Device>,
    next: u64,
    pub graphs: HashMap<Handle, Graph>,
    pub tensors: HashMap<Handle, Tensor>,
    pub sections: HashMap<Handle, Section>,
    pub recipes: HashMap<Handle, Arc<Recipe>>,
    pub streams: HashMap<Handle, Arc<Stream>>,
    pub events: HashMap<Handle, Arc<Event>>,
    /// Tensors and sections that went with their graph: destroying them again is synSuccess (section 5).
    pub gone: HashSet<Handle>,
    pub configuration: HashMap<String, String>,
}

static STATE: OnceLock<Mutex<State>> = OnceLock::new();

/// The state, locked.
pub fn state() -> MutexGuard<'static, State> {
    lock(STATE.get_or_init(Mutex::default))
}

/// A lock that a panic elsewhere does not take away.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// A new handle.
    pub fn handle(&mut self) -> Handle {
        self.next += 1;
        0x5359_0000_0000_0000 | (self.next << 4)
    }

    /// The device of an id.
    pub fn device(&mut self, id: u32) -> Outcome<&mut Device> {
        if !self.initialized {
            return fault(Status::UNINITIALIZED, "synInitialize was not called");
        }
        match &mut self.device {
            Some(device) if id == 0 => Ok(device),
            Some(_) => fault(Status::INVALID_ARGUMENT, format!("device {id}: the acquired device is 0")),
            None => fault(Status::NO_DEVICE_FOUND, "no device is acquired"),
        }
    }

    pub fn stream(&self, handle: Handle) -> Outcome<Arc<Stream>> {
        match self.streams.get(&handle) {
            Some(stream) => Ok(stream.clone()),
            None => fault(Status::INVALID_ARGUMENT, format!("{handle:#x} is no stream")),
        }
    }

    pub fn event(&self, handle: Handle) -> Outcome<Arc<Event>> {
        match self.events.get(&handle) {
            Some(event) => Ok(event.clone()),
            None => fault(Status::INVALID_EVENT_HANDLE, format!("{handle:#x} is no event")),
        }
    }

    pub fn recipe(&self, handle: Handle) -> Outcome<Arc<Recipe>> {
        match self.recipes.get(&handle) {
            Some(recipe) => Ok(recipe.clone()),
            None => fault(Status::INVALID_ARGUMENT, format!("{handle:#x} is no recipe")),
        }
    }

    pub fn graph(&mut self, handle: Handle) -> Outcome<&mut Graph> {
        match self.graphs.get_mut(&handle) {
            Some(graph) => Ok(graph),
            None => fault(Status::INVALID_ARGUMENT, format!("{handle:#x} is no graph")),
        }
    }

    pub fn tensor(&mut self, handle: Handle) -> Outcome<&mut Tensor> {
        match self.tensors.get_mut(&handle) {
            Some(tensor) => Ok(tensor),
            None => fault(Status::INVALID_ARGUMENT, format!("{handle:#x} is no tensor")),
        }
    }

    pub fn section(&mut self, handle: Handle) -> Outcome<&mut Section> {
        match self.sections.get_mut(&handle) {
            Some(section) => Ok(section),
            None => fault(Status::INVALID_ARGUMENT, format!("{handle:#x} is no section")),
        }
    }
}
