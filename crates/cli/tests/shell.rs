//! What makes the command line at home in a shell: completions, manual pages, help, logs, colours, exit codes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{command, fail, files, small, succeed, text, tintype};
use std::path::Path;

const COMMANDS: [&str; 7] = ["generate", "decode", "devices", "conformance", "bench", "completions", "man"];

#[test]
fn completions_know_commands_and_options() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = text(&succeed(tintype(Path::new("."), &["completions", shell])).stdout);
        for word in COMMANDS.iter().chain(&["seeds", "max-sequence-length"]) {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    fail(tintype(Path::new("."), &["completions", "tcsh"]), 2);
}

#[test]
fn a_shell_reads_its_completions() {
    let folder = tempfile::tempdir().unwrap();
    let script = succeed(tintype(folder.path(), &["completions", "bash"])).stdout;
    std::fs::write(folder.path().join("tintype.bash"), script).unwrap();
    let ask = "source tintype.bash; COMP_WORDS=(tintype gen); COMP_CWORD=1; _tintype tintype gen tintype; \
        echo \"${COMPREPLY[*]}\"";
    match std::process::Command::new("bash").args(["-c", ask]).current_dir(folder.path()).output() {
        Ok(output) => assert_eq!(text(&output.stdout), "generate\n", "{}", text(&output.stderr)),
        Err(error) => eprintln!("not asked: there is no bash here ({error})"),
    }
}

#[test]
fn manual_pages_are_roff_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let page = text(&succeed(tintype(folder, &["man"])).stdout);
    assert!(page.contains(".TH tintype 1") && page.contains("Exit codes"), "{page}");
    let page = text(&succeed(tintype(folder, &["man", "generate"])).stdout);
    assert!(page.contains(".TH tintype-generate 1") && page.contains("\\-\\-true\\-cfg"), "{page}");
    assert!(fail(tintype(folder, &["man", "nothing"]), 1).contains("there are generate, decode"));
    succeed(tintype(folder, &["man", "--dir", "man1"]));
    let pages = files(&folder.join("man1"));
    for name in COMMANDS {
        assert!(pages.contains(&format!("tintype-{name}.1")), "{pages:?}");
    }
    assert!(pages.contains(&"tintype.1".into()) && pages.len() > COMMANDS.len());
}

#[test]
fn every_command_has_help_with_an_example() {
    let help = |arguments: &[&str]| text(&succeed(tintype(Path::new("."), arguments)).stdout);
    assert!(help(&["--help"]).contains("Exit codes: 0 done, 1 failed, 2 wrong usage, 130 cancelled."));
    for name in COMMANDS {
        let told = help(&[name, "--help"]);
        assert!(told.contains("Examples:\n  tintype"), "{name}: {told}");
        assert!(!told.contains('\u{1b}'), "{name}: colours off a terminal");
    }
}

#[test]
fn exit_codes_are_fixed() {
    let folder = tempfile::tempdir().unwrap();
    let code = |arguments: &[&str]| tintype(folder.path(), arguments).status.code();
    assert_eq!(code(&["--help"]), Some(0));
    assert_eq!(code(&["devices"]), Some(0));
    assert_eq!(code(&["devices", "--no-such-option"]), Some(2));
    assert_eq!(code(&["decode"]), Some(2));
    assert_eq!(code(&["decode", "none.safetensors", "--model", "m"]), Some(1));
    assert_eq!(code(&["generate", "x", "--model", "m", "-o", "x.bmp"]), Some(2));
    assert_eq!(code(&["generate", "x", "--model", "none"]), Some(1));
}

#[test]
fn logs_come_when_asked_for_and_stay_off_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let run = |more: &[&str], filter: Option<&str>| {
        let mut command = command(folder, &small(&["generate", "x"], more));
        if let Some(filter) = filter {
            command.env("RUST_LOG", filter);
        }
        let output = succeed(command.output().unwrap());
        assert_eq!(text(&output.stdout), "out.png\n");
        assert!(!text(&output.stderr).contains('\u{1b}'), "no colours off a terminal");
        text(&output.stderr)
    };
    assert!(!run(&[], None).contains("INFO"));
    let told = run(&["-v"], None);
    for span in ["open", "encode", "stage", "denoise", "decode"] {
        assert!(told.contains(span), "{span}: {told}");
    }
    assert!(told.contains("INFO") && !told.contains("DEBUG"), "{told}");
    assert!(run(&["-vv"], None).contains("DEBUG"));
    assert!(run(&[], Some("tintype_pipeline=trace")).contains("enqueued"));
    let mut wrong = command(folder, &["devices"]);
    let told = fail(wrong.env("RUST_LOG", "tintype=loud").output().unwrap(), 1);
    assert!(told.contains("RUST_LOG is `tintype=loud`"), "{told}");
}

/// Runs under `script`, which gives a terminal; none where there is no such program.
#[cfg(target_os = "linux")]
fn on_a_terminal(no_colour: bool) -> Option<String> {
    let line = format!("{} generate x --model none", env!("CARGO_BIN_EXE_tintype"));
    let mut command = std::process::Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env_remove("NO_COLOR");
    if no_colour {
        command.env("NO_COLOR", "1");
    }
    Some(text(&command.output().ok()?.stdout))
}

#[cfg(target_os = "linux")]
#[test]
fn colour_is_for_terminals_that_want_it() {
    let Some(coloured) = on_a_terminal(false) else {
        eprintln!("not tried: there is no `script` here");
        return;
    };
    assert!(coloured.contains("\u{1b}[1;31mtintype:"), "{coloured:?}");
    let plain = on_a_terminal(true).unwrap();
    assert!(plain.contains("no model `none`") && !plain.contains('\u{1b}'), "{plain:?}");
}
