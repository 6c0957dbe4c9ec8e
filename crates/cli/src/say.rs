//! What is told on the terminal: plainly off one, in colour on one that wants it.

use anstream::{AutoStream, ColorChoice};
use anyhow::{Context, Result};
use std::fmt::Display;
use std::io::{self, Write};

const RED: &str = "31";
const YELLOW: &str = "33";

/// A line on standard output.
pub(crate) fn line(line: impl Display) {
    // Whoever reads may have seen enough and gone; the pictures are still wanted.
    let _ = writeln!(io::stdout(), "{line}");
}

/// All of what was asked for, on standard output. What does not get there is told, unless the reader has gone.
pub(crate) fn all(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// A line on standard error, which may be gone too.
pub(crate) fn note(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// The end of the process, and why.
pub(crate) fn error(message: impl Display) {
    note(format!("{} {message}", coloured("tintype:", RED)));
}

/// `warning: ...`, in colour where standard error shows it.
pub(crate) fn warning(message: impl Display) -> String {
    format!("{} {message}", coloured("warning:", YELLOW))
}

/// Whether standard error is a terminal that shows colours, and NO_COLOR and its like do not forbid it.
pub(crate) fn in_colour() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

fn coloured(text: &str, colour: &str) -> String {
    match in_colour() {
        true => format!("\u{1b}[1;{colour}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    }
}
