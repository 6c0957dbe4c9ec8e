//! Reading JSON files with errors that name the file, the line and the key.

use super::Location;
use crate::error::{Error, Result, brief};
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Reads a JSON file into `T`.
///
/// # Errors
///
/// [`Error::Read`] if the file cannot be read, [`Error::Json`] naming line, column and top-level key if it does not
/// parse or does not fit `T`.
pub fn read_json<T: DeserializeOwned>(path: impl Into<Location>) -> Result<T> {
    let path = path.into();
    let text = path.read_text()?;
    serde_json::from_str(&text).map_err(|error| json_error(path.path(), &text, &error))
}

/// The most bytes of a configuration or vocabulary that are read. The longest published are a third of it.
const MOST_BYTES: u64 = 64 << 20;

/// Reads a file on disk that is no weights file, whole: a regular one, of a length that a model's file may have.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    let read = |source| Error::Read { path: path.to_path_buf(), source };
    if !std::fs::metadata(path).map_err(read)?.is_file() {
        return Err(read(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")));
    }
    let mut bytes = Vec::new();
    // One byte more than is accepted, and no trust in the length that the system states.
    let mut file = File::open(path).map_err(read)?.take(MOST_BYTES.saturating_add(1));
    file.read_to_end(&mut bytes).map_err(read)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Error::TooLong { path: path.to_path_buf(), most: MOST_BYTES });
    }
    Ok(bytes)
}

/// Reads a UTF-8 text file.
pub(crate) fn read_text(path: &Location) -> Result<String> {
    path.read_text()
}

pub(crate) fn json_error(path: &Path, text: &str, error: &serde_json::Error) -> Error {
    let message = error.to_string();
    let reason = message.split(" at line ").next().unwrap_or(&message).to_owned();
    Error::Json {
        path: path.to_path_buf(),
        line: error.line(),
        column: error.column(),
        key: brief(&key_before(text, error.line(), error.column(), &reason)),
        reason: brief(&reason),
    }
}

/// The key that the error is about: the one its message quotes, else the last key before its position.
fn key_before(text: &str, line: usize, column: usize, reason: &str) -> String {
    if let Some(quoted) = reason.split('`').nth(1).filter(|_| reason.contains("field")) {
        return quoted.to_owned();
    }
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let before = text.as_bytes().get(..start.saturating_add(column).min(text.len())).unwrap_or_default();
    let before = String::from_utf8_lossy(before);
    // `"key" :` read backwards: a colon outside is all that tells a key from a string value.
    let mut rest: &str = &before;
    while let Some((head, _)) = rest.rsplit_once(':') {
        if let Some(key) = head.trim_end().strip_suffix('"').and_then(|head| head.rsplit_once('"')) {
            return key.1.to_owned();
        }
        rest = head;
    }
    ".".into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;
    use serde::Deserialize;

    #[derive(Deserialize, Debug)]
    #[allow(dead_code)]
    struct Config {
        layers: usize,
        name: String,
    }

    fn refusal(text: &str) -> String {
        let scratch = Scratch::new();
        let path = scratch.file("config.json", text);
        read_json::<Config>(&path).unwrap_err().to_string()
    }

    #[test]
    fn the_key_and_line_are_named() {
        let told = refusal("{\n \"name\": \"a:b\",\n \"layers\": \"many\"\n}");
        assert!(told.contains("line 3") && told.contains("`layers`") && told.contains("usize"), "{told}");
        assert!(refusal("{\"layers\": 1}").contains("`name`"));
        assert!(refusal("{\"layers\": 1, \"name\": \"x").contains("config.json line 1"));
        assert!(refusal("").contains("key `.`"));
        assert!(refusal("nonsense").contains("expected"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read_json::<Config>(Path::new("/no/such/config.json")).unwrap_err();
        assert!(error.to_string().contains("/no/such/config.json"));
    }
}
