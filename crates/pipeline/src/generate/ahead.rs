//! The Programs of a run, compiled while what comes before them is loaded and run.

use crate::{Error, Result};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};
use tintype_accel::{Accelerator, CompileOptions, LaunchMode, Module};
use tintype_program::Program;

/// Compiles Programs one after the other on a thread of its own. Whoever needs one takes it here; what is not among
/// them, whoever needs it compiles. Dropped, it is done once the Program that is being compiled is.
#[derive(Default)]
pub(crate) struct Ahead {
    /// Those whose modules have not come yet, in the order in which they will.
    due: VecDeque<Arc<Program>>,
    /// Those that came before one that was taken, and were not taken yet.
    ready: Vec<(Arc<Program>, Made)>,
    worker: Option<Worker>,
}

type Made = tintype_accel::Result<Arc<dyn Module>>;

struct Worker {
    made: Receiver<Made>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Ahead {
    /// Begins with `programs`, best in the order in which they will be needed. Where there can be no thread, nothing is
    /// compiled ahead.
    pub(crate) fn begin(
        accelerator: &Arc<dyn Accelerator>,
        launch: LaunchMode,
        programs: impl IntoIterator<Item = Arc<Program>>,
    ) -> Self {
        let due: VecDeque<_> = programs.into_iter().collect();
        let (accelerator, programs) = (Arc::clone(accelerator), due.clone());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let (send, made) = sync_channel(programs.len());
        let work = move || {
            for program in programs {
                let stopped = stopped.load(Ordering::Relaxed);
                if stopped || send.send(accelerator.compile(&program, &CompileOptions { launch })).is_err() {
                    return;
                }
            }
        };
        match thread::Builder::new().name("compile ahead".into()).spawn(work) {
            Ok(thread) => Self { due, ready: Vec::new(), worker: Some(Worker { made, stop, thread }) },
            Err(error) => {
                tracing::info!(%error, "no thread to compile ahead: each Program is compiled when it is needed");
                Self::default()
            }
        }
    }

    /// The module of a Program, once it is compiled; none where it is not compiled here, or was taken.
    ///
    /// # Errors
    ///
    /// What the device said.
    pub(crate) fn take(&mut self, program: &Program) -> Result<Option<Arc<dyn Module>>> {
        let is = |other: &Arc<Program>| std::ptr::eq(Arc::as_ptr(other), program);
        if let Some(position) = self.ready.iter().position(|(ready, _)| is(ready)) {
            return Ok(Some(self.ready.swap_remove(position).1?));
        }
        let Some(worker) = self.worker.as_ref().filter(|_| self.due.iter().any(is)) else { return Ok(None) };
        while let Some(next) = self.due.pop_front() {
            let gone = |_| Error::Internal { reason: "the thread that compiles ahead ended early".into() };
            let made = worker.made.recv().map_err(gone)?;
            if is(&next) {
                return Ok(Some(made?));
            }
            self.ready.push((next, made));
        }
        Ok(None)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if let Some(Worker { stop, thread, .. }) = self.worker.take() {
            stop.store(true, Ordering::Relaxed);
            // A device may not be given up while it compiles. What went wrong there was told to whoever waited for it.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_accel::{Driver, OpenOptions};
    use tintype_program::{DType, TensorType};

    fn cpu() -> Arc<dyn Accelerator> {
        tintype_cpu::CpuDriver::default().open(0, &OpenOptions::default()).unwrap()
    }

    fn programs() -> Vec<Arc<Program>> {
        let program = |name: &str| {
            let traced = Program::trace(name, |scope| {
                let x = scope.input("x", TensorType::new(DType::F32, [4]))?;
                scope.output(name, &(&x + 1.0)?)
            });
            Arc::new(traced.unwrap())
        };
        ["first", "second", "third"].map(program).to_vec()
    }

    fn name(module: Option<Arc<dyn Module>>) -> Option<String> {
        module.map(|module| module.signature().outputs[0].name.clone())
    }

    #[test]
    fn what_was_compiled_is_taken_once_and_in_any_order() {
        let (device, all) = (cpu(), programs());
        let mut ahead = Ahead::begin(&device, LaunchMode::Eager, all.clone());
        assert_eq!(name(ahead.take(&all[1]).unwrap()).as_deref(), Some("second"));
        assert!(ahead.take(&all[1]).unwrap().is_none(), "taken");
        assert_eq!(name(ahead.take(&all[0]).unwrap()).as_deref(), Some("first"));
        assert!(ahead.take(&all[0]).unwrap().is_none(), "taken");
        // An equal one is another one.
        assert!(ahead.take(&Program::clone(&all[2])).unwrap().is_none());
        assert_eq!(name(ahead.take(&all[2]).unwrap()).as_deref(), Some("third"));
    }

    #[test]
    fn what_the_device_says_is_told_to_whoever_takes_it() {
        let (device, all) = (cpu(), programs());
        let mut ahead = Ahead::begin(&device, LaunchMode::Lazy, all.clone());
        let told = ahead.take(&all[0]).err().unwrap().to_string();
        assert!(told.contains("lazy"), "{told}");
        assert!(ahead.take(&all[1]).is_err());
    }

    #[test]
    fn nobody_need_take_anything() {
        let device = cpu();
        drop(Ahead::begin(&device, LaunchMode::Eager, programs()));
        assert_eq!(Arc::strong_count(&device), 1, "the thread is done");
        assert!(Ahead::default().take(&programs()[0]).unwrap().is_none());
    }
}
