//! What can go wrong between a pipeline and a device.

use crate::LaunchMode;

/// An error of this crate or of a plugin. Every variant names what failed, on what, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No plugin of this name is built in.
    #[error(
        "there is no backend `{name}` in this build; it has {known}. Build with the feature `{name}`, or choose one of these"
    )]
    UnknownBackend {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The plugin is there, its device is not.
    #[error("backend `{backend}` cannot run here: {reason}. {remedy}")]
    Unavailable {
        /// The plugin.
        backend: String,
        /// Why.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// No device of the plugin has this ordinal or id.
    #[error("backend `{backend}` has no device `{device}`; it has {known}")]
    NoSuchDevice {
        /// The plugin.
        backend: String,
        /// The device asked for.
        device: String,
        /// The devices there are.
        known: String,
    },
    /// The device does not launch Programs this way.
    #[error(
        "backend `{backend}` has no launch mode `{mode}`; it has {known}. Choose one of these with --launch"
    )]
    LaunchMode {
        /// The plugin.
        backend: String,
        /// The mode asked for.
        mode: LaunchMode,
        /// The modes there are.
        known: String,
    },
    /// The plugin cannot run an operation of the Program.
    #[error("backend `{backend}` cannot compile block `{block}`: operation {op} {operands}: {reason}")]
    Unsupported {
        /// The plugin.
        backend: Box<str>,
        /// The block.
        block: String,
        /// The operation.
        op: Box<str>,
        /// Its operands' types.
        operands: String,
        /// Why.
        reason: String,
    },
    /// Device memory ran out.
    #[error(
        "{what} needs {needed} bytes on {device}, {free} are free: choose a smaller size or batch, or a device with more memory"
    )]
    OutOfMemory {
        /// What asked.
        what: String,
        /// The device.
        device: String,
        /// Bytes asked for.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// Device memory ran out for something that the driver keeps for itself, of which it does not say how much it wanted:
    /// a context, code, a graph, a launch.
    #[error("{device} has no memory left for its driver: {reason}")]
    DriverOutOfMemory {
        /// The device.
        device: String,
        /// What was asked of the driver, and what it said.
        reason: String,
    },
    /// A buffer does not fit the slot that it was bound to.
    #[error("{role} `{name}` is {wanted}, and was given {given}")]
    Binding {
        /// `input`, `output`, `state` or `parameter`.
        role: &'static str,
        /// The slot.
        name: String,
        /// What the slot takes.
        wanted: String,
        /// What it was given.
        given: String,
    },
    /// Parameters that the checkpoint does not have.
    #[error(
        "{origin} lacks {count} of the model's weights: {names}. The files belong to another model, or are incomplete: download them again"
    )]
    MissingWeights {
        /// The files.
        origin: String,
        /// How many are missing.
        count: usize,
        /// The first of them, with near names of the checkpoint.
        names: String,
    },
    /// Tensors of the checkpoint that the model does not use.
    #[error(
        "{origin} holds {count} tensors that the model does not use: {names}. The config.json beside the weights belongs to another model, or the weights do"
    )]
    UnusedWeights {
        /// The files.
        origin: String,
        /// How many are left over.
        count: usize,
        /// The first of them.
        names: String,
    },
    /// A tensor of the checkpoint that does not make the parameter.
    #[error("weight `{name}` of {origin}: {reason}")]
    Weight {
        /// The tensor or parameter.
        name: String,
        /// The files.
        origin: String,
        /// Why it does not fit.
        reason: String,
    },
    /// A file that was open could not be read to the end of what it held when it was opened.
    #[error("{file}: {reason}")]
    File {
        /// The file.
        file: String,
        /// What happened, and what to do.
        reason: String,
    },
    /// Work that was enqueued earlier failed on the device.
    #[error("{device} failed while running: {reason}")]
    Device {
        /// The device.
        device: String,
        /// Why.
        reason: String,
    },
    /// A promise between a plugin and its caller was broken: an error in Tintype or in a plugin.
    #[error("internal error of backend `{backend}`: {reason}. Please report this")]
    Internal {
        /// The plugin.
        backend: String,
        /// What happened.
        reason: String,
    },
    /// The Program itself is at fault.
    #[error(transparent)]
    Program(#[from] tintype_program::Error),
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
