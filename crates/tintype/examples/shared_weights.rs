//! Two pipelines on two threads with one copy of the weights.
//!
//! ```sh
//! cargo run --release --example shared_weights -- MODEL_FOLDER
//! ```

use std::error::Error;
use std::path::Path;
use std::thread;
use tintype::accel::MemoryReport;
use tintype::{CancelToken, Picture, Pipeline, PipelineOptions, Request, Steps};

/// What the device holds after one pipeline has run, and after a second has.
pub struct Shared {
    /// After the first pipeline's picture.
    pub one: MemoryReport,
    /// After a picture of each.
    pub two: MemoryReport,
    /// A picture of each, made at the same time.
    pub pictures: [Picture; 2],
}

/// Makes pictures with two pipelines that share weights.
pub fn two_pipelines(model: &Path) -> Result<Shared, Box<dyn Error>> {
    let device = tintype::backends().open("auto", None, &Default::default())?.accelerator;
    let mut first = Pipeline::open(model, device.clone(), PipelineOptions::default())?;
    let mut second = first.share(PipelineOptions::default())?;

    picture(&mut first, 1)?;
    let one = device.memory();

    let (left, right) = thread::scope(|threads| {
        let other = threads.spawn(|| picture(&mut second, 2).map_err(|error| error.to_string()));
        (picture(&mut first, 1), other.join())
    });
    let right = right.map_err(|_| "the second pipeline's thread panicked")??;
    Ok(Shared { one, two: device.memory(), pictures: [left?, right] })
}

fn picture(pipeline: &mut Pipeline, seed: u64) -> Result<Picture, tintype::Error> {
    let request = Request {
        prompt: "a red heart".into(),
        width: Some(48),
        height: Some(32),
        steps: Some(Steps::Count(2)),
        max_sequence_length: Some(24),
        seed,
        ..Request::default()
    };
    let mut made = pipeline.generate(&request, &mut |_| {}, &CancelToken::default())?;
    Ok(made.pictures.swap_remove(0))
}

#[allow(dead_code, reason = "a test runs `two_pipelines` alone")]
fn main() -> Result<(), Box<dyn Error>> {
    let model = std::env::args_os().nth(1).ok_or("give a model folder")?;
    let Shared { one, two, .. } = two_pipelines(Path::new(&model))?;
    let weights = |report: &MemoryReport| report.weights + report.mapped;
    println!("one pipeline: {} bytes of weights; two: {}", weights(&one), weights(&two));
    Ok(())
}
