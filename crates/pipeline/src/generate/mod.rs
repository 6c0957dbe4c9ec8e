//! The parts of a run that no model owns: what is asked for, what is heard, what runs where.

mod component;
mod request;
mod tensors;
mod watch;

pub(crate) use component::{Component, Place, Run};
pub use request::{Request, Settings};
pub(crate) use tensors::dtype_of;
pub use watch::{CancelToken, Event, Watcher};
