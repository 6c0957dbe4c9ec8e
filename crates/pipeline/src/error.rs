//! The one error type of this crate. Every message says what failed, on which file or key, why, and what to do.

use crate::shortage::Shortage;
use std::io;
use std::path::PathBuf;

/// This crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong between a model folder and a picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read a file or folder.
    #[error("cannot read {}: {source}; check that the file exists and that you may read it", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file is far longer than any model's file of its kind, and was not read.
    #[error("{} is longer than {most} bytes, more than any model's file of this kind; download it again", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The most bytes that are read.
        most: u64,
    },
    /// The operating system refused to write a file.
    #[error("cannot write {}: {source}; {}", path.display(), write_remedy(source))]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A JSON file does not parse, or a key in it has the wrong type.
    #[error("{} line {line}, column {column}, key `{key}`: {reason}; repair the file or download it again", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, from 1; 0 where the parser could not tell.
        line: usize,
        /// Column, from 1; 0 where the parser could not tell.
        column: usize,
        /// The key, with dots between levels; `.` for the whole document.
        key: String,
        /// What the parser expected and what it found.
        reason: String,
    },
    /// A key of a configuration file parses but asks for something that cannot be done.
    #[error("{}: `{key}` is {value}; {remedy}", path.display())]
    ConfigValue {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// Its value, as written.
        value: String,
        /// What would be accepted.
        remedy: String,
    },
    /// The path given as a model is not a folder.
    #[error(
        "{} is {what}, not a folder; give the folder that holds model_index.json{}", path.display(),
        if *what == "a single weights file" {
            ", and the file itself as its --transformer or --vae: text encoders and tokenizers are not in it"
        } else { "" }
    )]
    NotAFolder {
        /// The path.
        path: PathBuf,
        /// What is there instead: "missing", "a file" or "a single weights file".
        what: &'static str,
    },
    /// The folder has no `model_index.json`.
    #[error(
        "{} holds no model_index.json (it holds {found}); a model is a folder in the diffusers layout: \
         model_index.json beside transformer/, text_encoder/, vae/ and the other components", path.display()
    )]
    NoModelIndex {
        /// The folder.
        path: PathBuf,
        /// The first names found there.
        found: String,
    },
    /// `model_index.json` names a pipeline class that this library does not have.
    #[error("{}: pipeline class `{class}` is not supported; supported are {supported}", path.display())]
    UnknownPipeline {
        /// The index file.
        path: PathBuf,
        /// The class it names.
        class: String,
        /// The classes that would do.
        supported: String,
    },
    /// A component is not listed in `model_index.json`, is null there, or its folder is missing.
    #[error("{}: component `{component}` {why}; {remedy}", path.display())]
    MissingComponent {
        /// The model folder.
        path: PathBuf,
        /// The component, as `model_index.json` names it.
        component: String,
        /// In what way it is missing.
        why: String,
        /// What to do.
        remedy: String,
    },
    /// `--model` is neither a folder nor a repository that is in the Hub's cache or can be downloaded.
    #[error(
        "no model `{name}`: looked for {looked}; give a folder in the diffusers layout or a repository of the Hub \
         (ORG/NAME), which `hf download` fetches where this program may or can not"
    )]
    ModelNotFound {
        /// The name that was asked for.
        name: String,
        /// Every place that was looked at.
        looked: String,
    },
    /// A model could not be downloaded, or not be kept.
    #[error("cannot download {what}: {reason}; {remedy}")]
    Download {
        /// The repository, and the file where one is at fault.
        what: String,
        /// Why not.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// A component folder holds no weights under any name that is read.
    #[error("{} holds no weights: expected {expected}, found {found}", folder.display())]
    NoWeights {
        /// The component's folder.
        folder: PathBuf,
        /// The file names that would do.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A weights file is truncated, not safetensors, or contradicts itself.
    #[error("{}: {reason}; download or convert the file again", path.display())]
    BadWeights {
        /// The weights file, or the index of shards.
        path: PathBuf,
        /// What is wrong in it.
        reason: String,
    },
    /// A shard that the index lists is not there.
    #[error("{} lists shard `{shard}`, which is not in its folder; download the missing shard", index.display())]
    MissingShard {
        /// The index file.
        index: PathBuf,
        /// The shard's file name.
        shard: String,
    },
    /// A tensor that a model needs is not in its weights.
    #[error("{} has no tensor `{name}`; the nearest names are {nearest}", path.display())]
    MissingTensor {
        /// The weights file or folder.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// The names most like it, or "none".
        nearest: String,
    },
    /// A tokenizer's files are missing, broken, or of a kind that is not read.
    #[error("tokenizer {}: {reason}; {remedy}", path.display())]
    Tokenizer {
        /// The file, or the tokenizer's folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// A prompt cannot be turned into ids.
    #[error("cannot tokenize the prompt: {reason}")]
    Prompt {
        /// Why not, and what would do.
        reason: String,
    },
    /// A scheduler class that this library does not have.
    #[error("{}: scheduler class `{class}` is not supported; supported are {supported}", path.display())]
    UnknownScheduler {
        /// The scheduler's configuration file.
        path: PathBuf,
        /// The class it names.
        class: String,
        /// The classes that would do.
        supported: String,
    },
    /// A schedule was asked for that cannot be made.
    #[error("{option} is {value}: {remedy}")]
    Schedule {
        /// The option: steps, sigmas, strength.
        option: &'static str,
        /// Its value.
        value: String,
        /// What would be accepted.
        remedy: String,
    },
    /// Something was asked for that this model cannot do.
    #[error("{option} is {value}: {remedy}")]
    Request {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
        /// What would be accepted.
        remedy: String,
    },
    /// A component's `config.json` makes no model.
    #[error("{}: {source}", path.display())]
    Model {
        /// The config.
        path: PathBuf,
        /// What is wrong in it.
        source: tintype_models::Error,
    },
    /// A model could not be traced at the sizes asked for.
    #[error(transparent)]
    Trace(#[from] tintype_models::Error),
    /// Tracing failed.
    #[error(transparent)]
    Program(#[from] tintype_program::Error),
    /// The device or its plugin failed.
    #[error(transparent)]
    Accel(#[from] tintype_accel::Error),
    /// A run needs more memory than the device has free. Found before anything is loaded.
    #[error("{what} needs {} on {device}, {} are free; {remedy}", amount(*.needed), amount(*.free))]
    DoesNotFit {
        /// What was asked for.
        what: String,
        /// The device.
        device: String,
        /// The most bytes that would be held at once.
        needed: u64,
        /// Bytes that are free for it.
        free: u64,
        /// What would fit.
        remedy: String,
    },
    /// Memory ran out although the run was planned to fit: another program took it meanwhile, or the driver or a library took
    /// more than was planned. The pipeline can go on with another run.
    #[error(transparent)]
    OutOfMemory(Box<Shortage>),
    /// A result holds NaN or infinity, so no picture comes of it.
    #[error(
        "{what} holds values that are not finite numbers; the weights may be damaged, or the dtype too narrow: \
         try --dtype f32"
    )]
    NotFinite {
        /// The result.
        what: &'static str,
    },
    /// A picture was denoised, but could not be decoded, or its watcher could not take it. The latents are here, so that
    /// nothing need be denoised again: [`crate::files::write_latents`] keeps them, [`crate::Pipeline::decode`] goes on.
    #[error("{source}")]
    Unfinished {
        /// The latents of that picture and of those denoised with it.
        latents: Box<crate::files::Latents>,
        /// Why it was not finished.
        source: Box<Error>,
    },
    /// A file of latents is damaged, or not one of this library's.
    #[error("{}: {reason}; give a file that `tintype generate` left when a picture could not be finished", path.display())]
    BadLatents {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        reason: String,
    },
    /// The caller asked the run to stop.
    #[error("cancelled")]
    Cancelled,
    /// A promise between parts of this library was broken.
    #[error("internal error: {reason}. Please report this")]
    Internal {
        /// What happened.
        reason: String,
    },
    /// A picture cannot be read or written.
    #[error("{}: {reason}", path.display())]
    Picture {
        /// The picture's file.
        path: PathBuf,
        /// What is wrong and what would do.
        reason: String,
    },
}

/// What to do about a file that cannot be written.
fn write_remedy(source: &io::Error) -> &'static str {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    match source.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => "make room there, or choose an output elsewhere",
        _ => "choose an output in a folder that exists and that you may write to",
    }
}

/// Bytes for people, in hundredths of the unit that suits them.
pub(crate) fn amount(bytes: u64) -> String {
    match bytes {
        ..0x10_0000 => format!("{bytes} bytes"),
        0x10_0000..0x4000_0000 => format!("{:.2} MiB", bytes as f64 / f64::from(1 << 20)),
        _ => format!("{:.2} GiB", bytes as f64 / f64::from(1 << 30)),
    }
}

impl Error {
    /// A fault of the `config.json` in a component's folder.
    pub(crate) fn model(folder: &std::path::Path, source: tintype_models::Error) -> Self {
        Error::Model { path: folder.join("config.json"), source }
    }
}

/// Text out of a file as a message shows it: what is long is cut, and control characters, which a terminal would obey,
/// are written out.
pub(crate) fn brief(text: &str) -> String {
    const MOST: usize = 200;
    let mut shown = String::new();
    for (index, c) in text.chars().enumerate() {
        match c {
            _ if index == MOST => {
                shown.push('…');
                break;
            }
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_missing_folder_have_remedies_of_their_own() {
        let told = |kind: io::ErrorKind| {
            let error = Error::Write { path: "out.png".into(), source: kind.into() };
            error.to_string()
        };
        assert!(told(io::ErrorKind::StorageFull).contains("make room"));
        assert!(told(io::ErrorKind::NotFound).contains("a folder that exists"));
    }

    #[test]
    fn messages_name_the_file_and_the_remedy() {
        let error = Error::ConfigValue {
            path: "scheduler/scheduler_config.json".into(),
            key: "shift".into(),
            value: "-1".into(),
            remedy: "give a positive number".into(),
        };
        assert_eq!(
            error.to_string(),
            "scheduler/scheduler_config.json: `shift` is -1; give a positive number"
        );
    }

    #[test]
    fn text_from_files_is_cut_and_cannot_drive_a_terminal() {
        assert_eq!(brief("a ❤\u{1b}[2J"), "a ❤\\u{1b}[2J");
        assert_eq!(brief(&"é".repeat(1 << 20)).chars().count(), 201);
    }
}
