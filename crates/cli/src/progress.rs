//! Progress bars from a pipeline's events. Off a terminal nothing is drawn, but warnings are still told.

use crate::say;
use indicatif::{BinaryBytes, HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;
use tintype::{Event, Watcher};

/// A bar for whatever is going on, and the warnings to repeat in a report.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    stage: String,
    /// Whether bars are left out, since log lines would break them.
    hidden: bool,
    /// Which run of how many this is, where there are several.
    pub(crate) run: Option<(usize, usize)>,
    pub(crate) warnings: Vec<String>,
}

impl Progress {
    pub(crate) fn new(hidden: bool) -> Self {
        Self { bar: None, stage: String::new(), hidden, run: None, warnings: Vec::new() }
    }

    /// Says something that must not be lost, above the bar.
    pub(crate) fn warn(&mut self, warning: String) {
        match &self.bar {
            // A bar that is hidden, off a terminal, swallows what is printed through it.
            Some(bar) if !bar.is_hidden() => bar.println(say::warning(&warning)),
            _ => say::note(say::warning(&warning)),
        }
        self.warnings.push(warning);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.stage.clear();
    }

    /// The bar of a stage that counts to `total`; a new one where the stage is new.
    fn count(&mut self, stage: String, done: u64, total: u64, message: String) {
        if self.stage != stage {
            self.finish();
            let bar = self.drawn(ProgressBar::new(total));
            if let Ok(style) = ProgressStyle::with_template("{prefix:>24} [{bar:32}] {msg} {eta}") {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_prefix(self.numbered(&stage));
            self.bar = Some(bar);
            self.stage = stage;
        }
        if let Some(bar) = &self.bar {
            bar.set_message(message);
            bar.set_length(total);
            bar.set_position(done);
        }
    }

    fn drawn(&self, bar: ProgressBar) -> ProgressBar {
        if self.hidden {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        bar
    }

    fn numbered(&self, stage: &str) -> String {
        match self.run {
            Some((number, runs)) => format!("run {number} of {runs}: {stage}"),
            None => stage.to_owned(),
        }
    }

    fn spin(&mut self, stage: String) {
        if self.stage != stage {
            self.finish();
            let bar = self.drawn(ProgressBar::new_spinner());
            bar.set_message(self.numbered(&stage));
            bar.enable_steady_tick(Duration::from_millis(100));
            self.bar = Some(bar);
            self.stage = stage;
        }
    }
}

impl Watcher for Progress {
    fn event(&mut self, event: Event) {
        match event {
            Event::Downloading { file, done, total } => {
                let message = format!("{} of {}  {file}", HumanBytes(done), HumanBytes(total));
                self.count("downloading".into(), done, total, message);
            }
            Event::Loading { component, done, total } => {
                let message = format!("{} of {}", HumanBytes(done), HumanBytes(total));
                self.count(format!("loading {component}"), done, total, message);
            }
            Event::Compiling { stage } => self.spin(format!("compiling {stage}")),
            Event::Encoding => self.spin("encoding the prompt".into()),
            Event::Truncated { encoder, limit, removed } => self.warn(format!(
                "the prompt is longer than the {limit} tokens of {encoder}, which does not see: {removed}"
            )),
            Event::Step { done, total, first, batch } => {
                let stage = match batch {
                    1 => format!("denoising picture {first}"),
                    _ => format!("denoising pictures {first} to {}", first + batch - 1),
                };
                self.count(stage, done as u64, total as u64, format!("{done} of {total}"));
            }
            Event::Decoding { picture, count } => {
                self.spin(format!("decoding picture {} of {count}", picture + 1))
            }
            // Those that were asked for are no news.
            Event::Tiled { tiles, needed: Some(needed), free: Some(free) } => self.warn(format!(
                "decoding in {tiles}, since a whole picture needs {} and {} are free: pixels differ slightly; \
                 --vae-tile off decodes whole or fails",
                BinaryBytes(needed),
                BinaryBytes(free)
            )),
            Event::Fallback { what } => self.warn(what),
            Event::Tile { picture, done, total } => {
                let stage = format!("decoding picture {}", picture + 1);
                self.count(stage, done as u64, total as u64, format!("tile {done} of {total}"));
            }
            _ => {}
        }
    }
}
