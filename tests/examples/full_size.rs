//! Writes FLUX.1-dev or FLUX.1-schnell at full size without the bytes of its weights, to inspect and to plan with.
//!
//! ```sh
//! cargo run -p tintype-tests --example full_size -- dev /tmp/FLUX.1-dev
//! cargo run --release -- inspect --model /tmp/FLUX.1-dev
//! ```

use std::path::PathBuf;
use std::process::ExitCode;
use tintype_tests::full_size::{Published, allocated, has_sparse_files};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (model, folder) = match arguments.as_slice() {
        [model, folder] if model == "dev" => (Published::Dev, PathBuf::from(folder)),
        [model, folder] if model == "schnell" => (Published::Schnell, PathBuf::from(folder)),
        _ => {
            eprintln!("usage: full_size dev|schnell FOLDER");
            return ExitCode::from(2);
        }
    };
    let made = std::fs::create_dir_all(&folder);
    if made.is_ok() && !has_sparse_files(&folder) {
        eprintln!("{}: files cannot have holes here, and 34 GB of zeros are not written", folder.display());
        return ExitCode::FAILURE;
    }
    match made.and_then(|()| model.write(&folder)) {
        Ok(()) => {
            let bytes = allocated(&folder).unwrap_or_default();
            println!("{}: {} in {:.1} MB on the disk", folder.display(), model.name(), bytes as f64 / 1e6);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}
