//! Progress shown, and the run stopped, by another thread than the one that generates.
//!
//! ```sh
//! cargo run --release --example progress_and_cancel -- MODEL_FOLDER
//! ```

use std::error::Error;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use tintype::{CancelToken, Event, Pipeline, PipelineOptions, Request, Steps};

/// Asks for `steps` steps and cancels once `enough` are done. Gives the steps that were heard of before the end, and
/// whether the run was cancelled.
pub fn cancel_after(model: &Path, steps: usize, enough: usize) -> Result<(usize, bool), Box<dyn Error>> {
    let device = tintype::backends().open("auto", None, &Default::default())?.accelerator;
    let mut pipeline = Pipeline::open(model, device, PipelineOptions::default())?;
    let request = Request {
        prompt: "a red heart".into(),
        width: Some(48),
        height: Some(32),
        steps: Some(Steps::Count(steps)),
        max_sequence_length: Some(24),
        ..Request::default()
    };

    // A pipeline may move to a thread of its own. Clones of the token stop the run from anywhere.
    let cancel = CancelToken::default();
    let token = cancel.clone();
    let (events, heard) = mpsc::channel();
    let worker = thread::spawn(move || {
        let mut watch = move |event| {
            // Nobody listens any more once the other side is gone; the picture is still wanted.
            let _ = events.send(event);
        };
        pipeline.generate(&request, &mut watch, &token)
    });

    let mut steps_done = 0;
    for event in heard {
        match event {
            Event::Loading { component, done, total } if done == total => eprintln!("{component}: loaded"),
            Event::Compiling { stage } => eprintln!("{stage}: compiling"),
            Event::Step { done, total, .. } => {
                eprintln!("step {done} of {total}");
                steps_done = done;
                if done == enough {
                    cancel.cancel();
                }
            }
            _ => {}
        }
    }
    match worker.join().map_err(|_| "the generating thread panicked")? {
        Ok(_) => Ok((steps_done, false)),
        Err(tintype::Error::Cancelled) => Ok((steps_done, true)),
        Err(error) => Err(error.into()),
    }
}

#[allow(dead_code, reason = "a test runs `cancel_after` alone")]
fn main() -> Result<(), Box<dyn Error>> {
    let model = std::env::args_os().nth(1).ok_or("give a model folder")?;
    let (steps, cancelled) = cancel_after(Path::new(&model), 500, 3)?;
    println!("{steps} steps, {}", if cancelled { "cancelled" } else { "done" });
    Ok(())
}
