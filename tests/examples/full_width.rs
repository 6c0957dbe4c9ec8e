//! One double and one single Flux block at full width, held against PyTorch's f32. `tests/full_width/make.py` says how to
//! make the folder that it takes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use tintype::DType;
use tintype::models::flux::scaled_time;
use tintype_tests::{Denoiser, Golden, Told, relative_error};

const GRID: [usize; 2] = [64, 64];
const TEXT: usize = 512;
const BOUND: f64 = 1e-5;

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1).map(PathBuf::from) else {
        eprintln!("usage: full_width FOLDER, made by tests/full_width/make.py");
        return ExitCode::from(2);
    };
    let golden = Golden::read(&folder.join("golden.safetensors"));
    let values = |name: &str| golden.get(name).unwrap().values.as_slice();
    let device = tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator;
    let mut denoiser = Denoiser::at(&device, &folder.join("transformer"), 1, GRID, TEXT);
    let started = Instant::now();
    let output = denoiser.predict(&Told {
        hidden_states: values("hidden_states"),
        text: values("text"),
        pooled: values("pooled"),
        time: scaled_time(0.7, DType::F32),
        guidance: scaled_time(3.5, DType::F32),
    });
    let seconds = started.elapsed().as_secs_f64();
    let error = relative_error(&output, values("output"));
    println!("width 3072, 4096 + 512 tokens: off by {error:.2e} (bound {BOUND:.0e}), in {seconds:.1} s");
    if error < BOUND { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
