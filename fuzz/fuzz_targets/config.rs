//! Every component's configuration. One that is accepted makes a schedule, or a Program's sizes, without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use tintype_fuzz::{scratch, told};
use tintype_models::{clip, flux, t5, vae};
use tintype_pipeline::scheduler::{Sampler, ScheduleRequest, Scheduler};

static FOLDER: LazyLock<std::path::PathBuf> = LazyLock::new(|| scratch("config"));

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(data) else { return };
    match kind % 5 {
        0 => drop(clip::Config::from_json(text)),
        1 => drop(t5::Config::from_json(text)),
        2 => {
            if let Ok(config) = flux::Config::from_json(text) {
                assert!(config.width() > 0 && config.output_width() > 0);
            }
        }
        3 => {
            if let Ok(config) = vae::Config::from_json(text) {
                assert!(config.spatial_factor() > 0 && config.shift().is_finite());
            }
        }
        _ => {
            std::fs::write(FOLDER.join("scheduler_config.json"), data).expect("the input as a file");
            let Some(scheduler) = told(Scheduler::open(&FOLDER)) else { return };
            for request in [ScheduleRequest::text_to_image(1, 6), ScheduleRequest::text_to_image(7, 4096)] {
                if let Some(table) = told(scheduler.table(&request)) {
                    assert_eq!(table.rows.len(), if request.image_tokens == 6 { 1 } else { 7 });
                    let numbers = |row: &tintype_pipeline::scheduler::StepRow| row.sigma.is_finite();
                    assert!(table.rows.iter().all(numbers), "{table:?}");
                }
            }
        }
    }
});
