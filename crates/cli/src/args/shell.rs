//! Options of `tintype completions` and `tintype man`.

use clap::Args;
use clap_complete::Shell;
use std::path::PathBuf;

/// Options of `tintype completions`.
#[derive(Args)]
#[command(after_help = "Examples:
  tintype completions bash > ~/.local/share/bash-completion/completions/tintype
  tintype completions zsh > ~/.zfunc/_tintype
  tintype completions fish > ~/.config/fish/completions/tintype.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// Options of `tintype man`.
#[derive(Args)]
#[command(after_help = "Examples:
  tintype man | man -l -
  tintype man generate | man -l -
  tintype man --dir /usr/local/share/man/man1")]
pub(crate) struct ManArgs {
    /// One of the commands [default: tintype as a whole].
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    pub(crate) command: Option<String>,
    /// Writes all pages into this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}
