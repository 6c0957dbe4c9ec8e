//! `tintype inspect --check`.

use super::units;
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use std::process::ExitCode;
use std::time::Instant;
use tintype::CancelToken;
use tintype::pipeline::folder::ModelFolder;
use tintype::pipeline::inspect::{AllZero, Checked, check};

pub(super) fn run(folder: &ModelFolder, cancel: &CancelToken, json: bool) -> Result<ExitCode> {
    let started = Instant::now();
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{prefix:>24} [{bar:32}] {bytes} of {total_bytes} {eta}")
    {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix("reading weights");
    let checked = check(folder, cancel, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let checked = checked?;
    super::say(&match json {
        true => serde_json::to_string_pretty(&checked)? + "\n",
        false => told(&checked, started.elapsed().as_secs_f64()),
    })?;
    Ok(if checked.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tensors of zeros of one component: by name, or how many where there are many.
fn note(zeros: &[AllZero]) -> String {
    const NAMED: usize = 12;
    match zeros {
        [first, ..] if zeros.len() > NAMED => {
            format!(
                "note: {}: {} tensors are all zeros, `{}` among them\n",
                first.component,
                zeros.len(),
                first.tensor
            )
        }
        few => few
            .iter()
            .map(|zero| {
                format!("note: {}: `{}` {:?} is all zeros\n", zero.component, zero.tensor, zero.shape)
            })
            .collect(),
    }
}

fn told(checked: &Checked, seconds: f64) -> String {
    let mut text = String::new();
    for problem in &checked.problems {
        text.push_str(&format!("{problem}\n"));
    }
    for zeros in checked.zeros.chunk_by(|a, b| a.component == b.component) {
        text.push_str(&note(zeros));
    }
    let read = format!(
        "{} tensors, {}, read in {}",
        checked.tensors,
        units::bytes(checked.bytes),
        units::seconds(seconds)
    );
    let verdict = match checked.problems.len() {
        0 => "nothing is wrong".to_owned(),
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    };
    text.push_str(&format!("{verdict}: {read}\n"));
    text
}
