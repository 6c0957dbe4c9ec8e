//! What the tests of the whole share: golden cases made by diffusers, pipelines on them, comparisons.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod damage;
mod denoiser;
pub mod full_size;
mod golden;
mod recorder;
mod synapse;

pub use damage::rewrite;
pub use denoiser::{Denoiser, Told};
pub use golden::{Case, Golden, Tensor, cases, fixtures, model};
pub use recorder::{Recorder, open_cpu, request_of};
pub use synapse::synapse;

/// Copies a model's folder, to be damaged.
pub fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// `‖a − b‖ / ‖b‖`, in f64. Infinite where the lengths differ or a number is not finite.
pub fn relative_error(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() {
        return f64::INFINITY;
    }
    let square = |v: f64| v * v;
    let difference: f64 = a.iter().zip(b).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    let norm: f64 = b.iter().map(|b| square(f64::from(*b))).sum();
    let error = (difference / norm).sqrt();
    if error.is_nan() && difference == 0.0 {
        0.0
    } else if error.is_nan() {
        f64::INFINITY
    } else {
        error
    }
}
