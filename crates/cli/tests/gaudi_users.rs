//! What users of Gaudi rely on, on the software Synapse: steady shapes, their configuration, a library that is missing.
#![cfg(feature = "gaudi")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{command, fail, files, read, small, succeed, text};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Output;
use tintype_tests::synapse;

/// A run on the software Synapse.
fn run(folder: &Path, library: &Path, more: &[&str]) -> Output {
    let arguments = small(&["generate", "a red heart", "--backend", "gaudi"], more);
    command(folder, &arguments).env("TINTYPE_SYNAPSE", library).output().unwrap()
}

/// The mean difference of two pictures' levels.
fn difference(folder: &Path, a: &str, b: &str) -> f64 {
    let (a, b) = (read(folder, a), read(folder, b));
    assert_eq!(a.rgb.len(), b.rgb.len());
    let sum: u64 = a.rgb.iter().zip(&b.rgb).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.rgb.len() as f64
}

#[test]
fn sixteen_pictures_at_batch_five_compile_each_block_once() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    // Recipes that were compiled, and those that were launched.
    let counted = |launch: &str, count: &str| {
        let _ = fs::remove_file(&log);
        let more = ["--count", count, "--batch-size", "5", "--launch", launch, "-o", "a.png"];
        let arguments = small(&["generate", "a red heart", "--backend", "gaudi"], &more);
        let mut command = command(folder.path(), &arguments);
        succeed(command.env("TINTYPE_SYNAPSE", &library).env("SYNAPSE_SIM_LOG", &log).output().unwrap());
        let text = fs::read_to_string(&log).unwrap();
        let recipes = |call: &str| {
            let lines = text.lines().filter(|line| line.contains(call));
            let recipe = |line: &str| line.split("recipe=").nth(1)?.split(' ').next().map(str::to_owned);
            lines.map(|line| recipe(line).unwrap()).collect::<Vec<_>>()
        };
        (recipes("synGraphCompile synSuccess"), recipes("synLaunch synSuccess"))
    };
    for launch in ["compiled", "lazy", "graph"] {
        let (batch, _) = counted(launch, "5");
        let (sixteen, launches) = counted(launch, "16");
        assert_eq!(sixteen.len(), batch.len(), "{launch}: four batches compile what one compiles");
        let launched: BTreeSet<_> = launches.iter().collect();
        assert_eq!(launched, sixteen.iter().collect(), "{launch}: each is made for something that runs");
        assert!(launches.len() > 4 * sixteen.len() / 2, "{launch}: and is run again and again");
    }
    assert_eq!(files(folder.path()).len(), 17, "sixteen pictures and the log");
}

#[test]
fn a_gaudi_config_is_read_and_says_what_has_no_effect() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let config = r#"{"use_torch_autocast": true, "use_fused_adam": true, "use_hmp": 1,
        "autocast_bf16_ops": ["linear", "matmul", "conv2d", "dropout"], "autocast_fp32_ops": ["softmax"]}"#;
    fs::write(folder.join("gaudi_config.json"), config).unwrap();
    for dtype in ["f32", "bf16"] {
        let name = format!("{dtype}.png");
        succeed(run(folder, &library, &["--dtype", dtype, "--noise-dtype", "bf16", "-o", &name]));
    }
    let more = ["--dtype", "f32", "--noise-dtype", "bf16", "--gaudi-config", ".", "-o", "mixed.png"];
    let told = text(&succeed(run(folder, &library, &more)).stderr);
    for part in [
        "use_fused_adam has no effect: it is about training",
        "use_hmp is not known",
        "no operation here goes by dropout",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let [mixed, short] = ["mixed.png", "bf16.png"].map(|name| difference(folder, "f32.png", name));
    assert!(mixed > 0.0 && mixed < 2.0 * short + 0.1, "{mixed} levels from f32; bf16 throughout {short}");
    let made = read(folder, "mixed.png");
    assert!(common::keyword(&made, "tintype").contains("with autocast"), "the record says it");

    let more = ["--dtype", "bf16", "--gaudi-config", "gaudi_config.json", "-o", "b.png"];
    let told = text(&succeed(run(folder, &library, &more)).stderr);
    assert!(told.contains("use_torch_autocast has no effect, since all is computed in bf16"), "{told}");
    assert_eq!(read(folder, "b.png").rgb, {
        succeed(run(folder, &library, &["--dtype", "bf16", "-o", "plain.png"]));
        read(folder, "plain.png").rgb
    });
}

#[test]
fn a_gaudi_config_lies_in_the_models_folder_and_is_checked() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tintype_tests::copy_folder(&common::model("flux-base"), &folder.join("model"));
    fs::write(folder.join("model/gaudi_config.json"), r#"{"use_dynamic_shapes": true}"#).unwrap();
    let arguments = ["generate", "x", "--model", "model", "--width", "32", "--height", "32", "--steps", "1"];
    let with = |more: &[&str]| {
        let arguments = [&arguments[..], more].concat();
        command(folder, &arguments).env("TINTYPE_SYNAPSE", &library).output().unwrap()
    };
    let told = text(&succeed(with(&["--backend", "gaudi"])).stderr);
    assert!(told.contains("use_dynamic_shapes has no effect"), "{told}");
    let told = text(&succeed(with(&["--backend", "cpu"])).stderr);
    assert!(!told.contains("gaudi"), "another backend has nothing to do with it: {told}");
    let named = ["--backend", "cpu", "--gaudi-config", "model"];
    assert!(text(&succeed(with(&named)).stderr).contains("--gaudi-config has no effect on cpu"));

    fs::write(folder.join("bad.json"), r#"{"use_torch_autocast": "yes"}"#).unwrap();
    for (file, part) in
        [("bad.json", "use_torch_autocast is \"yes\""), ("none.json", "cannot read none.json")]
    {
        let told = fail(with(&["--backend", "gaudi", "--gaudi-config", file]), 1);
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn without_a_library_one_error_says_what_was_looked_for_and_where() {
    if ["/usr/lib/habanalabs", "/usr/lib/libSynapse.so"].iter().any(|path| Path::new(path).exists()) {
        println!("skipped: there is a libSynapse.so here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let arguments = small(&["generate", "x"], &["--backend", "gaudi"]);
    let mut command = command(folder.path(), &arguments);
    let told = fail(command.env_remove("TINTYPE_SYNAPSE").output().unwrap(), 1);
    for part in [
        "`gaudi` cannot run here: libSynapse.so was not found",
        "libSynapse.so: cannot open",
        "libSynapse.so.1: cannot open",
        "/usr/lib/habanalabs/libSynapse.so: cannot open",
        "/usr/lib/habanalabs/libSynapse.so.1: cannot open",
        "TINTYPE_SYNAPSE",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(told.trim_end().lines().count(), 1, "{told}");
    assert!(files(folder.path()).is_empty());
}

/// The same arguments with another number of steps.
fn with_steps<'a>(mut arguments: Vec<&'a str>, steps: &'a str) -> Vec<&'a str> {
    let option = arguments.iter().position(|argument| *argument == "--steps").unwrap();
    arguments[option + 1] = steps;
    arguments
}

/// Nodes of a library's log, by the names that start so.
fn nodes(log: &Path, start: &str) -> usize {
    let text = fs::read_to_string(log).unwrap();
    text.lines().filter(|line| line.contains(&format!("guid={start}"))).count()
}

#[test]
fn attention_is_what_was_asked_for_and_pictures_say_what_it_was() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (folder, log) = (folder.path(), folder.path().join("log"));
    let generate = |launch: &str, attention: &str| {
        let _ = fs::remove_file(&log);
        let more = ["--launch", launch, "--attention", attention, "--dtype", "f32", "--json", "-o", "a.png"];
        let arguments = small(&["generate", "a red heart", "--backend", "gaudi"], &more);
        let mut command = command(folder, &arguments);
        let output = command.env("TINTYPE_SYNAPSE", &library).env("SYNAPSE_SIM_LOG", &log).output().unwrap();
        let report: serde_json::Value = serde_json::from_str(&text(&succeed(output).stdout)).unwrap();
        let picture = read(folder, "a.png");
        let made: serde_json::Value = serde_json::from_str(common::keyword(&picture, "tintype")).unwrap();
        assert_eq!(report["attention"], made["attention"]);
        (picture.rgb, made["attention"].to_string())
    };
    let fused = r#"["sdpa_recomp_fwd_f32"]"#;
    let cases = [
        ("compiled", "fused", fused),
        ("eager", "fused", fused),
        ("lazy", "fused", fused),
        ("graph", "fused", fused),
        ("compiled", "fast", r#"["sdpa_recomp_fwd_f32, fast softmax"]"#),
        ("graph", "retained", r#"["sdpa_fwd_f32"]"#),
        ("lazy", "composed", r#"["composed"]"#),
    ];
    let mut first = None;
    for (launch, attention, used) in cases {
        let (rgb, told) = generate(launch, attention);
        assert_eq!(told, used, "{launch} {attention}");
        let has = [nodes(&log, "sdpa_recomp_fwd_"), nodes(&log, "sdpa_fwd_")].map(|count| count > 0);
        let expected = [matches!(attention, "fused" | "fast"), attention == "retained"];
        assert_eq!(has, expected, "{launch} {attention}");
        let first: &Vec<u8> = first.get_or_insert_with(|| rgb.clone());
        let largest = first.iter().zip(&rgb).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(largest <= Some(1), "{launch} {attention}: {largest:?} levels");
    }
    let more = ["--backend", "cpu", "--attention", "fused", "--region", "step", "-o", "b.png"];
    let told = text(&succeed(command(folder, &small(&["generate", "x"], &more)).output().unwrap()).stderr);
    for option in ["--attention", "--region"] {
        assert!(told.contains(&format!("{option} has no effect on cpu")), "{told}");
    }
    let made = read(folder, "b.png");
    assert!(!common::keyword(&made, "tintype").contains("attention"), "the CPU does not say");
    fail(command(folder, &small(&["generate", "x"], &["--region", "picture"])).output().unwrap(), 2);
}

#[test]
fn a_region_is_as_much_as_one_recipe_holds() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    // Launches of a step, and the picture.
    let step = |launch: &str, region: &str| {
        let launches = |steps: &str| {
            let _ = fs::remove_file(&log);
            let more = ["--launch", launch, "--region", region, "-o", "a.png"];
            let arguments = small(&["generate", "a red heart", "--backend", "gaudi"], &more);
            let mut command = command(folder.path(), &with_steps(arguments, steps));
            succeed(command.env("TINTYPE_SYNAPSE", &library).env("SYNAPSE_SIM_LOG", &log).output().unwrap());
            let text = fs::read_to_string(&log).unwrap();
            text.lines().filter(|line| line.contains("synLaunch synSuccess")).count()
        };
        let (two, four) = (launches("2"), launches("4"));
        ((four - two) / 2, read(folder.path(), "a.png").rgb)
    };
    let [one, many] = ["step", "block"].map(|region| step("compiled", region));
    assert_eq!(one.0, 1, "a step is one recipe");
    assert!(many.0 > 4, "a recipe for each call of a block, {}", many.0);
    assert_eq!(one.1, many.1);
    for launch in ["lazy", "graph"] {
        assert_eq!([step(launch, "step").0, step(launch, "block").0], [one.0, many.0], "{launch}");
    }
}

#[test]
fn each_block_is_compiled_once_whatever_is_drawn_and_never_again_in_another_process() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (folder, log) = (folder.path(), folder.path().join("log"));
    fs::write(folder.join("prompts.txt"), "a red heart\na blue star and a very long tail\n\nx\n").unwrap();
    for launch in ["compiled", "lazy", "graph", "eager"] {
        let cache = format!("{},false,256", folder.join(launch).display());
        // Recipes that were compiled, waits that drain the stream, and flushes of the first run.
        let counted = |start: &[&str], steps: &str, kept: bool| {
            let _ = fs::remove_file(&log);
            let start = [&["generate", "--backend", "gaudi", "--launch", launch, "--json"], start].concat();
            let arguments = small(&start, &["--batch-size", "2", "-o", "a.png"]);
            let mut command = command(folder, &with_steps(arguments, steps));
            command.env("TINTYPE_SYNAPSE", &library).env("SYNAPSE_SIM_LOG", &log);
            if kept {
                command.env("PT_HPU_RECIPE_CACHE_CONFIG", &cache);
            }
            let report = text(&succeed(command.output().unwrap()).stdout);
            let report: serde_json::Value = serde_json::from_str(&report).unwrap();
            let told = |name: &str| report["stats"][name].as_u64().unwrap();
            let log = fs::read_to_string(&log).unwrap();
            let count = |call: &str| log.lines().filter(|line| line.contains(call)).count();
            let compiles = count("synGraphCompile syn");
            if !start.contains(&"--prompts") {
                assert_eq!(
                    told("compiles"),
                    compiles as u64,
                    "{launch}: what is told is what the library saw"
                );
            }
            // The end of the loop, the latents and the picture may be waited for, or be there by then.
            assert!(start.contains(&"--prompts") || told("host_synchronizations") <= 3, "{launch}: {report}");
            let waits = ["synStreamSynchronize syn", "synDeviceSynchronize syn"].map(count);
            (compiles, waits, told("flushes"))
        };
        let (once, waits, flushes) = counted(&["a red heart"], "20", false);
        assert!(once > 0);
        let fewer = counted(&["a red heart"], "17", false);
        assert_eq!((fewer.0, fewer.1), (once, waits), "{launch}: steps compile nothing and wait for nothing");
        assert_eq!(flushes - fewer.2, if launch == "lazy" { 3 } else { 0 }, "{launch}: one flush a step");
        let many = ["--prompts", "prompts.txt", "--seeds", "1..5"];
        let all = counted(&many, "20", true).0;
        assert_eq!(
            all, once,
            "{launch}: three prompts, five seeds, in batches, compile what one picture does"
        );
        assert_eq!(counted(&many, "20", true).0, 0, "{launch}: a second process compiles nothing");
        let recipes = fs::read_dir(folder.join(launch)).unwrap().map(|file| file.unwrap().path());
        let recipes = recipes.filter(|file| file.extension().is_some_and(|extension| extension == "recipe"));
        assert_eq!(recipes.count(), once, "{launch}: each is for a block and shape of its own");
    }
}

#[test]
fn a_call_that_fails_is_told_and_the_next_run_is_right() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (folder, log) = (folder.path(), folder.path().join("log"));
    let generate = |fault: &str, name: &str| {
        let arguments = small(&["generate", "a red heart", "--backend", "gaudi"], &["-o", name]);
        let mut command = command(folder, &with_steps(arguments, "1"));
        command.env("TINTYPE_SYNAPSE", &library).env("SYNAPSE_SIM_LOG", &log).env("SYNAPSE_SIM_FAIL", fault);
        command.output().unwrap()
    };
    succeed(generate("", "first.png"));
    let expected = read(folder, "first.png").rgb;
    let calls = fs::read_to_string(&log).unwrap();
    let functions: BTreeSet<_> = calls.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    assert!(functions.len() > 25, "{functions:?}");
    for function in functions.into_iter().filter(|name| name.starts_with("syn") && !name.contains("sim")) {
        let output = generate(&format!("{function}:1:synDeviceReset"), "again.png");
        if output.status.success() {
            assert_eq!(read(folder, "again.png").rgb, expected, "{function}");
            fs::remove_file(folder.join("again.png")).unwrap();
        } else {
            let told = fail(output, 1);
            assert!(told.contains(function) && told.contains("synDeviceReset (17)"), "{function}: {told}");
            // Latents are kept where denoising was done, and that is told; nothing else is left.
            let latents = "again.latents.safetensors";
            assert_eq!(folder.join(latents).exists(), told.contains(latents), "{function}: {told}");
            let _ = fs::remove_file(folder.join(latents));
            assert_eq!(files(folder), ["first.png", "log"], "{function}: nothing half-written");
        }
    }
    succeed(generate("", "last.png"));
    assert_eq!(read(folder, "last.png").rgb, expected);
}
