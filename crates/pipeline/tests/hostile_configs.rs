//! Configurations that are missing, absurd or enormous. Each is refused with its file, its field and what would do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod scratch;

use scratch::{Scratch, assert_told, in_seconds};
use std::path::Path;
use tintype_pipeline::folder::{ModelFolder, read_json, resolve_in};
use tintype_pipeline::scheduler::{Sampler, ScheduleRequest, Scheduler};

fn index(text: impl AsRef<[u8]>) -> String {
    let scratch = Scratch::new();
    scratch.write("model_index.json", text);
    match ModelFolder::open(scratch.path()) {
        Ok(_) => "it opened".into(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_model_index_that_is_no_object_or_nests_without_end() {
    let says = |text: &str, part: &str| assert_told(&index(text), &["model_index.json", part]);
    says("", "EOF");
    says("[]", "line 1");
    says("null", "line 1");
    says("{\"_class_name\": 7}", "`(none)`");
    says(&format!("{{\"a\":{}", "[".repeat(1 << 20)), "recursion limit");
    says(&format!("{{\"a\":{}", "{\"b\":".repeat(1 << 20)), "recursion limit");
}

#[test]
fn unpaired_surrogates_and_bytes_that_are_no_utf8() {
    for text in [r#"{"_class_name":"\ud800"}"#, r#"{"\udfff":1}"#, r#"{"a":"\ud800\u0041"}"#] {
        assert_told(&index(text), &["model_index.json line 1", "hex escape", "download"]);
    }
    assert_told(&index(b"{\"_class_name\":\"\xed\xa0\x80\"}"), &["model_index.json", "not UTF-8"]);
}

#[test]
fn a_class_name_of_megabytes_does_not_fill_the_message() {
    let name = "F".repeat(8 << 20);
    assert_told(&index(format!(r#"{{"_class_name":"{name}"}}"#)), &["FFFF…", "FluxPipeline"]);
    let told = index("{\"_class_name\":\"\\u001b]0;owned\\u0007\"}");
    assert_told(&told, &[r"\u{1b}]0;owned", "FluxPipeline"]);
}

#[test]
fn components_that_lead_out_of_the_folder() {
    for name in ["../vae", "/etc", "a/b", "..", "", "a\\\\b"] {
        let told = index(format!(r#"{{"_class_name":"FluxPipeline","{name}":["diffusers","X"]}}"#));
        assert_told(&told, &["model_index.json", "beside model_index.json"]);
    }
}

#[cfg(unix)]
#[test]
fn links_that_lead_to_themselves_or_to_devices() {
    let scratch = Scratch::new();
    let path = scratch.path().join("model_index.json");
    std::os::unix::fs::symlink("model_index.json", &path).unwrap();
    let told = || ModelFolder::open(scratch.path()).unwrap_err().to_string();
    assert_told(&told(), &["holds no model_index.json"]);
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert_told(&told(), &["holds no model_index.json"]);
    let told = read_json::<serde_json::Value>(&path).unwrap_err().to_string();
    assert_told(&told, &["model_index.json", "no regular file"]);
}

#[test]
fn a_file_of_a_terabyte_is_not_read() {
    let scratch = Scratch::new();
    scratch.write("model_index.json", "{");
    let path = scratch.path().join("model_index.json");
    // A hole: it takes no room on the disk.
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    if file.set_len(1 << 40).is_err() {
        file.set_len(1 << 30).unwrap();
    }
    let told = in_seconds(20, || ModelFolder::open(scratch.path()).unwrap_err().to_string());
    assert_told(&told, &["model_index.json", "longer than 67108864 bytes", "download"]);
}

fn scheduler(rest: &str) -> Result<Scheduler, String> {
    let scratch = Scratch::new();
    scratch.write("scheduler_config.json", format!("{{\"_class_name\":{rest}}}"));
    Scheduler::open(scratch.path()).map_err(|error| error.to_string())
}

#[test]
fn scheduler_settings_that_are_absurd() {
    let flow = |rest: &str| scheduler(&format!(r#""FlowMatchEulerDiscreteScheduler",{rest}"#));
    let says = |rest: &str, part: &str| {
        assert_told(&flow(rest).unwrap_err(), &["scheduler_config.json", part]);
    };
    says(r#""shift":-3"#, "`shift` is -3");
    says(r#""shift":0"#, "`shift` is 0");
    says(r#""shift":1e999"#, "`shift`");
    says(r#""shift":null"#, "`shift`");
    says(r#""num_train_timesteps":-1"#, "`num_train_timesteps`");
    says(r#""num_train_timesteps":1e30"#, "`num_train_timesteps`");
    says(r#""num_train_timesteps":99999999999999999999"#, "`num_train_timesteps`");
    says(r#""base_image_seq_len":4096"#, "`max_image_seq_len`");
    says(r#""time_shift_type":"\ud834""#, "hex escape");
    says(r#""shift_terminal":7"#, "`shift_terminal`");
}

#[test]
fn scheduler_settings_that_are_refused_once_they_make_no_numbers() {
    let flow = |rest: &str| scheduler(&format!(r#""FlowMatchEulerDiscreteScheduler",{rest}"#)).unwrap();
    let dpm = |rest: &str| {
        scheduler(&format!(r#""DPMSolverMultistepScheduler","use_flow_sigmas":true,{rest}"#)).unwrap()
    };
    let wild = [
        flow(r#""use_dynamic_shifting":true,"max_shift":1e300"#),
        flow(r#""use_dynamic_shifting":true,"base_shift":-1e308,"max_shift":1e308"#),
        flow(r#""shift":1e308"#),
        dpm(r#""flow_shift":1e308"#),
        dpm(r#""flow_shift":1e300,"prediction_type":"epsilon""#),
    ];
    for scheduler in wild {
        for steps in [1, 4] {
            // Numbers, or a message; never NaN.
            match scheduler.table(&ScheduleRequest::text_to_image(steps, 1 << 20)) {
                Ok(table) => {
                    assert!(table.rows.iter().all(|row| row.c_x0.is_finite() && row.a_model.is_finite()));
                }
                Err(error) => assert_told(&error.to_string(), &["scheduler_config.json"]),
            }
        }
    }
}

#[test]
fn no_steps_and_a_thousand_million_steps() {
    let scheduler = scheduler(r#""FlowMatchEulerDiscreteScheduler""#).unwrap();
    for steps in [0, 100_001, 1_000_000_000, usize::MAX] {
        let told = scheduler.table(&ScheduleRequest::text_to_image(steps, 6)).unwrap_err().to_string();
        assert_told(&told, &[&format!("steps is {steps}"), "from 1 to 100000"]);
    }
}

#[test]
fn hub_names_that_leave_the_cache_or_never_end() {
    let scratch = Scratch::new();
    let long = "a/".to_owned() + &"b".repeat(1 << 20);
    for name in ["a/../../etc", "../../etc", "a/b@../../..", "a/b@/etc", "a\0b/c", "\u{1b}[2J/x", &long] {
        let told = resolve_in(name, Some(scratch.path())).unwrap_err().to_string();
        assert_told(&told, &["no model", "hf download"]);
    }
}

#[test]
fn a_hub_reference_that_is_no_commit() {
    let scratch = Scratch::new();
    let refs = scratch.path().join("models--a--b/refs");
    std::fs::create_dir_all(&refs).unwrap();
    for commit in ["../../../../etc", "/etc", "", "\0", &"f".repeat(1 << 20)] {
        std::fs::write(refs.join("main"), commit).unwrap();
        assert!(resolve_in("a/b", Some(scratch.path())).is_err(), "{commit:.40}");
    }
    assert!(Path::new("/").exists());
}

/// Every field of every component, with every absurd value: a message that names the field, or a config that is bounded.
#[test]
fn every_field_of_every_component_with_absurd_values() {
    use tintype_models::{clip, flux, t5, vae};
    type Read = fn(&str) -> Result<(), tintype_models::Error>;
    let components: [(&str, Read); 4] = [
        ("text_encoder", |text| clip::Config::from_json(text).map(drop)),
        ("text_encoder_2", |text| t5::Config::from_json(text).map(drop)),
        ("transformer", |text| flux::Config::from_json(text).map(drop)),
        ("vae", |text| vae::Config::from_json(text).map(drop)),
    ];
    let absurd = [
        "-1",
        "0",
        "1e30",
        "-1e308",
        "1e999",
        "0.5",
        "18446744073709551615",
        "18446744073709551616",
        "null",
        "true",
        "\"\"",
        "\"many\"",
        "\"\\ud800\"",
        "[]",
        "[-1]",
        "[18446744073709551615]",
        "{}",
    ];
    let mut refused = 0;
    for (folder, read) in components {
        let path = scratch::fixture("flux-base").join(folder).join("config.json");
        let text = std::fs::read_to_string(path).unwrap();
        let config: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        read(&text).unwrap();
        for field in config.keys() {
            for value in absurd {
                let others = config.iter().filter(|(key, _)| *key != field);
                let others = others.map(|(key, value)| format!("{key:?}:{value}"));
                let all: Vec<String> = others.chain([format!("{field:?}:{value}")]).collect();
                if let Err(error) = read(&format!("{{{}}}", all.join(","))) {
                    assert_told(&error.to_string(), &[]);
                    refused += 1;
                }
            }
        }
        // Left out, a field has its published default, which need not fit the others.
        for field in config.keys() {
            let mut less = config.clone();
            less.remove(field);
            if let Err(error) = read(&serde_json::to_string(&less).unwrap()) {
                assert_told(&error.to_string(), &[]);
            }
        }
    }
    assert!(refused > 400, "{refused}");
}

#[test]
fn numbers_that_no_model_has_name_the_field() {
    use tintype_models::{clip, flux, t5, vae};
    let says = |error: tintype_models::Error, field: &str| assert_told(&error.to_string(), &[field, "must"]);
    let huge = u64::MAX - 1;
    says(clip::Config::from_json(&format!(r#"{{"vocab_size":{huge}}}"#)).unwrap_err(), "`vocab_size`");
    says(
        clip::Config::from_json(r#"{"max_position_embeddings":1000000}"#).unwrap_err(),
        "`max_position_embeddings`",
    );
    says(t5::Config::from_json(&format!(r#"{{"num_layers":{huge}}}"#)).unwrap_err(), "`num_layers`");
    says(t5::Config::from_json(r#"{"num_heads":1000000,"d_kv":1000000}"#).unwrap_err(), "`num_heads`");
    says(flux::Config::from_json(r#"{"num_single_layers":1000000}"#).unwrap_err(), "`num_single_layers`");
    says(
        flux::Config::from_json(&format!(r#"{{"axes_dims_rope":[{huge},{huge},2]}}"#)).unwrap_err(),
        "`axes_dims_rope`",
    );
    says(
        vae::Config::from_json(&format!(r#"{{"latent_channels":{huge}}}"#)).unwrap_err(),
        "`latent_channels`",
    );
    let many = vec!["128"; 100_000].join(",");
    says(
        vae::Config::from_json(&format!(r#"{{"block_out_channels":[{many}]}}"#)).unwrap_err(),
        "`block_out_channels`",
    );
}
