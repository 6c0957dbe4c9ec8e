//! What any plugin should show of itself: it passes the suite, and pipelines run on it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use tintype::accel::Accelerator;
use tintype::conformance::suite;
use tintype::cpu::CpuDriver;
use tintype::{CancelToken, Pipeline, PipelineOptions, Registry, Request, Steps};
use traced_plugin::{NAME, Trace, Traced};

fn registry() -> (Registry, Arc<Trace>) {
    let traced = Traced::around(Arc::new(CpuDriver::default()));
    let trace = traced.trace();
    let mut registry = tintype::backends();
    registry.register(Arc::new(traced));
    (registry, trace)
}

fn picture(device: Arc<dyn Accelerator>) -> Vec<u8> {
    let model: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models/flux-base");
    let mut pipeline = Pipeline::open(&model, device, PipelineOptions::default()).unwrap();
    let request = Request {
        prompt: "a red heart".into(),
        width: Some(48),
        height: Some(32),
        steps: Some(Steps::Count(3)),
        max_sequence_length: Some(24),
        ..Request::default()
    };
    let made = pipeline.generate(&request, &mut |_| {}, &CancelToken::default()).unwrap();
    made.pictures[0].rgb.clone()
}

#[test]
fn it_passes_the_conformance_suite() {
    let (registry, _) = registry();
    let device = registry.open(NAME, None, &Default::default()).unwrap().accelerator;
    let report = suite::run(&device, &Default::default()).unwrap();
    assert!(report.passed(), "{report}");
    assert_eq!(report.totals().2, 0, "{report}");
}

#[test]
fn it_makes_the_picture_that_the_wrapped_plugin_makes_and_sees_the_calls() {
    let (registry, trace) = registry();
    assert_eq!(registry.names(), ["cpu", NAME]);
    let open = |name| registry.open(name, None, &Default::default()).unwrap().accelerator;
    assert_eq!(picture(open(NAME)), picture(open("cpu")));
    assert_eq!(trace.calls("open"), 1);
    assert_eq!(
        trace.calls("compile"),
        5,
        "CLIP, T5, what comes before the steps, the step and the decoder\n{trace}"
    );
    assert_eq!(trace.calls("bind"), 5, "{trace}");
    assert_eq!(trace.calls("run flux_decode"), 1, "{trace}");
    assert_eq!(trace.calls("flush"), 3, "one a step\n{trace}");
    assert_eq!(trace.calls("synchronize"), 0, "{trace}");
}

#[test]
fn auto_takes_the_wrapped_plugin() {
    let (registry, _) = registry();
    let opened = registry.open("auto", None, &Default::default()).unwrap();
    assert_eq!(opened.choice.chosen.backend, "cpu");
}
