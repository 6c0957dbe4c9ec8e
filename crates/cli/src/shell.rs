//! `tintype completions` and `tintype man`.

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::say;
use anyhow::{Context, Result, bail};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::process::ExitCode;
use tintype::pipeline::files;

pub(crate) fn completions(args: &CompletionsArgs) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "tintype", &mut script);
    print(&script)
}

pub(crate) fn man(args: &ManArgs) -> Result<ExitCode> {
    let mut whole = Cli::command();
    // Fills in what commands inherit.
    whole.build();
    let commands = || whole.get_subcommands().filter(|command| command.get_name() != "help");
    if let Some(dir) = &args.dir {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        for command in std::iter::once(&whole).chain(commands()) {
            let page = page(command)?;
            let path = dir.join(format!("{}.1", name(command)));
            files::write_beside(&path, |writer| writer.write_all(&page))?;
            say::line(path.display());
        }
        return Ok(ExitCode::SUCCESS);
    }
    let Some(wanted) = &args.command else { return print(&page(&whole)?) };
    match commands().find(|command| command.get_name() == wanted) {
        Some(command) => print(&page(command)?),
        None => {
            let names: Vec<_> = commands().map(Command::get_name).collect();
            bail!("no command `{wanted}`; there are {}", names.join(", "))
        }
    }
}

/// `tintype`, or `tintype-generate`.
fn name(command: &Command) -> String {
    command.get_bin_name().unwrap_or(command.get_name()).replace(' ', "-")
}

fn page(command: &Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone().display_name(name(command))).render(&mut page)?;
    Ok(page)
}

fn print(bytes: &[u8]) -> Result<ExitCode> {
    say::all(bytes)?;
    Ok(ExitCode::SUCCESS)
}
