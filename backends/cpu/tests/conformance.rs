//! The suite that every plugin must pass: in every launch mode at the machine's best level, compiled at the others.

mod common;

use tintype_accel::{Driver, LaunchMode, OpenOptions};
use tintype_conformance::suite::{Options, run};
use tintype_cpu::{CpuDriver, Level};

#[test]
fn the_suite_passes_at_every_level() {
    for level in Level::ALL.into_iter().filter(|level| level.is_supported()) {
        let mut open = OpenOptions::default();
        open.threads = Some(2);
        let device = CpuDriver::at(level).open(0, &open).unwrap();
        assert!(device.device().arch.ends_with(&format!("kernels for {level}")));
        let best = level == Level::best();
        let launch = if best { common::MODES.to_vec() } else { vec![LaunchMode::Compiled] };
        let report = run(&device, &Options { launch: launch.clone(), ..Options::default() }).unwrap();
        assert!(report.passed(), "{level}: {report}");
        assert_eq!(report.launch, launch);
        let (_, _, unsupported) = report.totals();
        assert_eq!(unsupported, 0, "{level}: {report}");
        if best {
            assert_eq!(device.device().capabilities.launch, common::MODES);
        }
    }
}

#[test]
fn a_level_of_another_machine_is_refused() {
    let Some(other) = Level::ALL.into_iter().find(|level| !level.is_supported()) else { return };
    let Err(error) = CpuDriver::at(other).open(0, &OpenOptions::default()) else { panic!("{other}") };
    assert!(error.to_string().contains(other.name()), "{error}");
}
