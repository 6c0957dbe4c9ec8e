//! Two pipelines at once in one process, on two threads: each must draw, to the bit, what it draws alone.
//!
//! ```sh
//! cargo run --release --features cuda --example two_pipelines -- --backend cuda
//! ```
//!
//! `--backend NAME` (the best there is), `--model FOLDER` (the model in the box), `--launch MODE`, `--dtype DTYPE`, `--rounds N`
//! (3). Ends with 0 where all pictures are equal, with 1 where one differs, with 2 where it could not run.

use std::error::Error;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use tintype::accel::LaunchMode;
use tintype::pipeline::folder::Location;
use tintype::{CancelToken, DType, OpenOptions, Picture, Pipeline, PipelineOptions, Request, Steps};

/// What is drawn, where and how often.
pub struct Task {
    /// The backend.
    pub backend: String,
    /// The model's folder.
    pub model: Location,
    /// Launch mode and dtype.
    pub options: PipelineOptions,
    /// How often each pair of pipelines draws.
    pub rounds: usize,
    /// A picture of each pipeline.
    pub requests: [Request; 2],
}

/// How two pipelines share a device.
const PAIRS: [(&str, bool); 2] = [("a queue each", false), ("one queue, weights shared", true)];

/// Draws both pictures alone, then at once, and gives what was not equal, in words. `tell` hears of every round.
pub fn differences(task: &Task, tell: &mut dyn FnMut(String)) -> Result<Vec<String>, Box<dyn Error>> {
    let open = || -> Result<Pipeline, tintype::Error> {
        let device = tintype::backends().open(&task.backend, None, &OpenOptions::default())?.accelerator;
        Pipeline::open(task.model.clone(), device, task.options)
    };
    let mut alone = Vec::new();
    for request in &task.requests {
        alone.push(draw(&mut open()?, request)?);
    }
    let mut found = Vec::new();
    for (name, shared) in PAIRS {
        let mut first = open()?;
        let mut second = if shared { first.share(task.options)? } else { open()? };
        for round in 1..=task.rounds {
            let [left, right] = &task.requests;
            let both = thread::scope(|threads| {
                let other = threads.spawn(|| draw(&mut second, right));
                let one = draw(&mut first, left);
                (one, other.join())
            });
            let other = both.1.map_err(|_| "the second pipeline's thread panicked")?;
            for (number, (made, alone)) in [both.0?, other?].iter().zip(&alone).enumerate() {
                let unlike = made.rgb.iter().zip(&alone.rgb).filter(|(a, b)| a != b).count();
                if unlike > 0 || made.rgb.len() != alone.rgb.len() {
                    found.push(format!("{name}, round {round}, picture {number}: {unlike} bytes differ"));
                }
            }
            tell(format!("{name}: round {round} of {}", task.rounds));
        }
    }
    Ok(found)
}

fn draw(pipeline: &mut Pipeline, request: &Request) -> Result<Picture, tintype::Error> {
    let mut made = pipeline.generate(request, &mut |_| {}, &CancelToken::default())?;
    Ok(made.pictures.swap_remove(0))
}

/// Two seeds, two sizes.
pub fn requests(sides: [usize; 2], steps: usize) -> [Request; 2] {
    [(1, sides[0]), (2, sides[1])].map(|(seed, side)| Request {
        prompt: "a red apple".into(),
        width: Some(side),
        height: Some(side),
        steps: Some(Steps::Count(steps)),
        max_sequence_length: Some(32),
        seed,
        ..Request::default()
    })
}

#[allow(dead_code, reason = "a test runs `differences` alone")]
fn task(arguments: impl Iterator<Item = OsString>) -> Result<Task, Box<dyn Error>> {
    let (mut backend, mut model, mut rounds) = (None, None, 3);
    let mut options = PipelineOptions::default();
    let mut arguments = arguments.skip(1);
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{} wants a value", option.display()))?;
        let text = value.to_string_lossy();
        match option.to_str() {
            Some("--backend") => backend = Some(text.into_owned()),
            Some("--model") => model = Some(Location::from(&PathBuf::from(value))),
            Some("--launch") => options.launch = Some(text.parse::<LaunchMode>()?),
            Some("--dtype") => options.dtype = Some(dtype(&text)?),
            Some("--rounds") => rounds = text.parse()?,
            _ => return Err(format!("{} is no option", option.display()).into()),
        }
    }
    Ok(Task {
        backend: backend.unwrap_or_else(|| "auto".into()),
        model: model.or_else(tintype::bundled).ok_or("no model is in this build: give one with --model")?,
        options,
        rounds,
        requests: requests([128, 192], 20),
    })
}

#[allow(dead_code, reason = "as above")]
fn dtype(name: &str) -> Result<DType, String> {
    let known = [DType::F32, DType::F16, DType::Bf16];
    known.into_iter().find(|dtype| dtype.name() == name).ok_or_else(|| format!("{name} is no dtype"))
}

#[allow(dead_code, reason = "as above")]
fn main() -> ExitCode {
    let run = || -> Result<Vec<String>, Box<dyn Error>> {
        let task = task(std::env::args_os())?;
        let device = tintype::backends().open(&task.backend, None, &OpenOptions::default())?.accelerator;
        println!("device: {} ({})", device.device().label(), device.device().name);
        drop(device);
        differences(&task, &mut |told| println!("{told}"))
    };
    match run() {
        Ok(found) if found.is_empty() => println!("every picture is that of its pipeline alone, to the bit"),
        Ok(found) => {
            found.iter().for_each(|line| println!("DIFFERENT: {line}"));
            return ExitCode::from(1);
        }
        Err(error) => {
            println!("NOT RUN: {error}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
