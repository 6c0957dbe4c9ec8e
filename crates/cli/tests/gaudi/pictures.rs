//! Pictures in f32 are the CPU's.

use crate::common::{self, command, files, read, small, succeed};
use std::path::Path;
use tintype_tests::synapse;

fn picture(folder: &Path, library: &Path, arguments: &[&str]) {
    let mut command = command(folder, arguments);
    command.env("TINTYPE_SYNAPSE", library);
    succeed(command.output().unwrap());
}

/// The largest difference of two pictures' levels.
fn difference(folder: &Path, a: &str, b: &str) -> u8 {
    let (a, b) = (read(folder, a), read(folder, b));
    assert_eq!((a.width, a.height), (b.width, b.height));
    a.rgb.iter().zip(&b.rgb).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn pictures_are_the_cpus_in_every_mode() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    let generate = |more: &[&str]| {
        let arguments = small(&["generate", "a red heart", "--dtype", "f32"], more);
        picture(folder.path(), &library, &arguments);
    };
    generate(&["--backend", "cpu", "-o", "cpu.png"]);
    for launch in ["eager", "compiled", "lazy", "graph"] {
        let name = format!("{launch}.png");
        generate(&["--backend", "gaudi", "--launch", launch, "-o", &name]);
        let largest = difference(folder.path(), "cpu.png", &name);
        assert!(largest <= 2, "{launch}: {largest} levels");
    }
}

#[test]
fn every_fixture_draws_what_the_cpu_draws() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    for name in files(common::model("flux-base").parent().unwrap()) {
        let model = common::model(&name);
        let arguments = ["generate", "a red heart", "--model", model.to_str().unwrap()];
        let more = ["--width", "48", "--height", "32", "--steps", "2", "--seed", "3", "--dtype", "f32"];
        let arguments = [&arguments[..], &more].concat();
        for backend in ["cpu", "gaudi"] {
            let output = format!("{backend}.png");
            let more = ["--backend", backend, "-o", &output];
            picture(folder.path(), &library, &[&arguments[..], &more].concat());
        }
        let largest = difference(folder.path(), "cpu.png", "gaudi.png");
        assert!(largest <= 2, "{name}: {largest} levels");
    }
}

#[test]
fn the_model_in_the_box_draws_what_the_cpu_draws() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    if tintype::bundled().is_none() {
        println!("skipped: this build has no model in it");
        return;
    }
    for backend in ["cpu", "gaudi"] {
        let name = format!("{backend}.png");
        let arguments = ["generate", "a red apple", "--dtype", "f32", "--backend", backend, "-o", &name];
        picture(folder.path(), &library, &arguments);
    }
    assert!(difference(folder.path(), "cpu.png", "gaudi.png") <= 2);
}
