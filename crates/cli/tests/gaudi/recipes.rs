//! What recipes hold, and how often they are compiled and launched, by the library's own log.

use crate::common::{self, command, fail, files, read, small, succeed, text};
use crate::with_steps;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tintype_tests::synapse;

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
fn a_step_is_one_launch_and_waits_for_nothing_in_lazy_mode() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let launches = |steps: &str| {
        let _ = fs::remove_file(&log);
        let arguments = small(
            &["generate", "a red heart", "--backend", "gaudi", "--launch", "lazy"],
            &["-o", "lazy.png"],
        );
        let mut command = command(folder.path(), &with_steps(arguments, steps));
        succeed(command.env("TINTYPE_SYNAPSE", &library).env("SYNAPSE_SIM_LOG", &log).output().unwrap());
        let text = fs::read_to_string(&log).unwrap();
        let count = |call: &str| text.lines().filter(|line| line.contains(call)).count();
        [count("synLaunch syn"), count("synGraphCompile syn"), count("synStreamSynchronize syn")]
    };
    let (two, six) = (launches("2"), launches("6"));
    assert_eq!(six[0] - two[0], 4, "one launch a step");
    assert_eq!(six[1], two[1], "the number of steps compiles nothing");
    assert_eq!(six[2], two[2], "steps drain nothing");
}
