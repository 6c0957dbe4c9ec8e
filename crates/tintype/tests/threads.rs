//! Which types may go to another thread, and which may be used from several at once. Checked by the compiler.

use tintype::accel::{Accelerator, Driver, Instance, Module, Weights};
use tintype::pipeline::files::Checkpoint;
use tintype::pipeline::folder::ModelFolder;
use tintype::pipeline::scheduler::Scheduler;
use tintype::pipeline::tokenizer::Tokenizer;
use tintype::program::Program;
use tintype::{
    CancelToken, Error, Event, Generated, Picture, Pipeline, PipelineOptions, Registry, Request, Settings,
};

const fn send<T: ?Sized + Send>() {}
const fn send_and_sync<T: ?Sized + Send + Sync>() {}

const _: () = {
    // One run at a time: a pipeline moves between threads, and `share` makes another beside it.
    send::<Pipeline>();
    send::<Box<dyn Instance>>();

    send_and_sync::<CancelToken>();
    send_and_sync::<Registry>();
    send_and_sync::<Picture>();
    send_and_sync::<Request>();
    send_and_sync::<Settings>();
    send_and_sync::<Generated>();
    send_and_sync::<Event>();
    send_and_sync::<Error>();
    send_and_sync::<PipelineOptions>();
    send_and_sync::<dyn Accelerator>();
    send_and_sync::<dyn Driver>();
    send_and_sync::<dyn Module>();
    send_and_sync::<Weights>();
    send_and_sync::<Checkpoint>();
    send_and_sync::<ModelFolder>();
    send_and_sync::<Scheduler>();
    send_and_sync::<Tokenizer>();
    send_and_sync::<Program>();
};

// A result is moved at every `?`; clippy warns of errors of 128 bytes, in the code of whoever uses the library.
const _: () = assert!(size_of::<Error>() < 128);

#[test]
fn a_pipeline_and_what_it_gives_cross_threads() {
    fn moved<T: Send + 'static>(value: T) -> T {
        match std::thread::spawn(move || value).join() {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    let token = moved(CancelToken::default());
    token.clone().cancel();
    assert!(moved(token).is_cancelled());
}
