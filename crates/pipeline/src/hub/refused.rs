//! What an answer other than the file means, and what to do about it.

use super::client::{Client, Failure, header};
use crate::error::{Error, brief};
use std::io::ErrorKind;
use std::path::Path;
use ureq::Body;
use ureq::http::Response;

/// The failure that a status stands for. The Hub says more in `X-Error-Code`.
pub(super) fn answer(client: &Client<'_>, path: &str, response: &Response<Body>) -> Failure {
    let status = response.status().as_u16();
    let page = format!("{}/{}", client.hub.endpoint, client.repository.id());
    let told = header(response, "x-error-message").filter(|told| !told.is_empty());
    let (reason, remedy) = match (status, header(response, "x-error-code").unwrap_or_default()) {
        (401 | 403, "GatedRepo") => (
            "its licence must be accepted first".into(),
            match client.hub.token {
                Some(_) => format!("accept it at {page} with the account whose token this is"),
                None => format!("accept it at {page}, then log in with `hf auth login` or set HF_TOKEN"),
            },
        ),
        (401, _) if client.hub.token.is_some() => (
            "the token is not valid there, or the repository does not exist".into(),
            format!("check the name at {page}, and HF_TOKEN; `hf auth login` makes a new token"),
        ),
        (401, _) => (
            "the repository does not exist, or is private or gated".into(),
            format!("check the name at {page}; if it is right, log in with `hf auth login` or set HF_TOKEN"),
        ),
        (403, _) => (
            "the token may not read it".into(),
            format!("give the token the right to read at {page}, or use another account's in HF_TOKEN"),
        ),
        (404, "RevisionNotFound") => (
            format!("it has no revision `{}`", client.repository.revision),
            format!("see its branches and tags at {page}"),
        ),
        (404, _) => ("there is no such repository or file".into(), format!("check the name at {page}")),
        (429, _) => ("the server asks for fewer requests".into(), "try again in a few minutes".into()),
        (500.., _) => ("the server has trouble".into(), "try again later".into()),
        _ => ("the server refuses".into(), "check HF_ENDPOINT and the proxy".into()),
    };
    let told = told.map(|told| format!(", it says: {}", brief(told))).unwrap_or_default();
    let error = Error::Download {
        what: client.name_of(path),
        reason: format!("{reason} (HTTP {status}{told})"),
        remedy,
    };
    let error = Box::new(error);
    if status == 429 || status >= 500 { Failure::Passing(error) } else { Failure::Final(error) }
}

/// The failure of a request that got no answer.
pub(super) fn unreachable(client: &Client<'_>, path: &str, url: &str, error: &ureq::Error) -> Failure {
    let host = url.split('/').nth(2).unwrap_or(url);
    let passing = matches!(
        error,
        ureq::Error::Io(_)
            | ureq::Error::Timeout(_)
            | ureq::Error::ConnectionFailed
            | ureq::Error::HostNotFound
    );
    let error = Error::Download {
        what: client.name_of(path),
        reason: format!("{host} cannot be reached ({error})"),
        remedy: "check the network and HTTPS_PROXY; a model that is in the cache needs neither, and what is there \
                 already is kept"
            .into(),
    };
    let error = Box::new(error);
    if passing { Failure::Passing(error) } else { Failure::Final(error) }
}

/// The failure of a download that broke off. The rest is asked for again.
pub(super) fn cut(client: &Client<'_>, path: &str, error: &std::io::Error) -> Failure {
    Failure::Passing(Box::new(Error::Download {
        what: client.name_of(path),
        reason: format!("the connection broke off ({error})"),
        remedy: "run the same command again: it goes on from there".into(),
    }))
}

/// The failure of writing to the cache.
pub(super) fn unkept(what: String, place: &Path, error: &std::io::Error) -> Error {
    let (reason, remedy) = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (
            format!("no room is left for {}", place.display()),
            "make room, or set HF_HOME to a folder on a larger disk; what is there already is kept".into(),
        ),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => (
            format!("{} cannot be written ({error})", place.display()),
            "set HF_HOME to a folder that you may write to".into(),
        ),
        _ => (
            format!("{} cannot be written ({error})", place.display()),
            "check the Hub's cache folder, or set HF_HOME to another".into(),
        ),
    };
    Error::Download { what, reason, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_says_what_to_do() {
        let told = |kind: ErrorKind| {
            unkept("a of b/c".into(), Path::new("/cache/x"), &std::io::Error::from(kind)).to_string()
        };
        assert!(told(ErrorKind::StorageFull).contains("no room is left for /cache/x; make room"));
        assert!(told(ErrorKind::PermissionDenied).contains("may write to"));
        assert!(told(ErrorKind::NotADirectory).contains("/cache/x cannot be written"));
    }
}
