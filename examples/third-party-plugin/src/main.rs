//! Makes a picture on the traced CPU and prints what the pipeline asked of it.
//!
//! ```sh
//! cargo run --release -- MODEL_FOLDER heart.png
//! ```

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use tintype::cpu::CpuDriver;
use tintype::{CancelToken, Pipeline, PipelineOptions, Request, Steps};
use traced_plugin::{NAME, Traced};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(model), Some(output)) = (arguments.next(), arguments.next()) else {
        return Err("give a model folder and a name for the picture".into());
    };
    let traced = Traced::around(Arc::new(CpuDriver::default()));
    let trace = traced.trace();
    let mut registry = tintype::backends();
    registry.register(Arc::new(traced));

    let device = registry.open(NAME, None, &Default::default())?.accelerator;
    let mut pipeline = Pipeline::open(Path::new(&model), device, PipelineOptions::default())?;
    let request = Request {
        prompt: "a red heart".into(),
        width: Some(64),
        height: Some(64),
        steps: Some(Steps::Count(4)),
        ..Request::default()
    };
    let made = pipeline.generate(&request, &mut |_| {}, &CancelToken::default())?;
    for picture in &made.pictures {
        tintype::pipeline::files::write_png(Path::new(&output), picture)?;
    }
    print!("{trace}");
    Ok(())
}
