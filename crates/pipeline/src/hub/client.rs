//! Requests to the Hub: who is told the token, which redirects are followed, what is tried again.

use super::{Hub, refused};
use crate::error::{Error, Result, brief};
use crate::folder::Repository;
use crate::generate::CancelToken;
use std::time::Duration;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

/// Waiting for a connection, and for each piece of an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Requests in a row that may fail before nothing more is tried.
pub(super) const TRIES: u32 = 5;
/// Redirects of one request.
const REDIRECTS: usize = 5;

/// Asks the Hub about one repository.
pub(super) struct Client<'h> {
    pub(super) hub: &'h Hub,
    pub(super) repository: &'h Repository,
    pub(super) cancel: &'h CancelToken,
    agent: Agent,
}

/// Why a request gave nothing: for good, or maybe not the next time.
pub(super) enum Failure {
    /// Asking again gives the same.
    Final(Box<Error>),
    /// The network, or a server that is busy.
    Passing(Box<Error>),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Final(Box::new(error))
    }
}

/// What a request asks.
#[derive(Clone, Copy)]
pub(super) enum Ask {
    /// The headers that the Hub itself gives: redirects elsewhere are not followed.
    Head,
    /// The content from this byte on.
    From(u64),
}

impl<'h> Client<'h> {
    pub(super) fn new(hub: &'h Hub, repository: &'h Repository, cancel: &'h CancelToken) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A token must not go where the Hub sends us, so redirects are followed here.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("tintype/", env!("CARGO_PKG_VERSION")))
            // Compressed content would have another length and another checksum.
            .accept_encoding("identity")
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .timeout_per_read(Some(PATIENCE))
            .build();
        Client { hub, repository, cancel, agent: config.new_agent() }
    }

    /// The URL of a file at a commit.
    pub(super) fn file_url(&self, commit: &str, path: &str) -> String {
        format!("{}/{}/resolve/{commit}/{}", self.hub.endpoint, self.repository.id(), encoded(path, "/"))
    }

    /// What messages call a file.
    pub(super) fn name_of(&self, path: &str) -> String {
        match path {
            "" => self.repository.to_string(),
            path => format!("{} of {}", brief(path), self.repository),
        }
    }

    /// Asks until there is an answer, or none is to be expected.
    pub(super) fn ask(&self, url: &str, path: &str, how: Ask) -> Result<Response<Body>> {
        let mut failed = 0;
        loop {
            self.cancel.check()?;
            match self.once(url, path, how) {
                Ok(response) => return Ok(response),
                Err(Failure::Final(error)) => return Err(*error),
                Err(Failure::Passing(error)) => {
                    failed += 1;
                    self.pause(failed, *error)?;
                }
            }
        }
    }

    /// Waits before a next try, or gives up with `error`.
    pub(super) fn pause(&self, failed: u32, error: Error) -> Result<()> {
        if failed >= TRIES {
            return Err(error);
        }
        let mut left = self.hub.pause.saturating_mul(1 << failed.min(6)) / 2;
        while !left.is_zero() {
            self.cancel.check()?;
            let nap = left.min(Duration::from_millis(100));
            std::thread::sleep(nap);
            left -= nap;
        }
        Ok(())
    }

    /// Asks once, redirects followed.
    pub(super) fn once(&self, url: &str, path: &str, how: Ask) -> Result<Response<Body>, Failure> {
        let mut url = url.to_owned();
        for _ in 0..=REDIRECTS {
            let mut request = match how {
                Ask::Head => self.agent.head(&url),
                Ask::From(_) => self.agent.get(&url),
            };
            if let Ask::From(first @ 1..) = how {
                request = request.header("Range", format!("bytes={first}-"));
            }
            let at_home = same_origin(&url, &self.hub.endpoint);
            if let Some(token) = self.hub.token.as_ref().filter(|_| at_home) {
                request = request.header("Authorization", format!("Bearer {token}"));
            }
            let response = request.call().map_err(|e| refused::unreachable(self, path, &url, &e))?;
            let status = response.status();
            let elsewhere = |next: &String| !same_origin(next, &self.hub.endpoint);
            match redirect(&response).and_then(|to| joined(&url, to)) {
                Some(next) if matches!(how, Ask::Head) && elsewhere(&next) => return Ok(response),
                Some(next) => url = next,
                None if status.is_success() => return Ok(response),
                None if status == StatusCode::RANGE_NOT_SATISFIABLE => return Ok(response),
                None => return Err(refused::answer(self, path, &response)),
            }
        }
        Err(Failure::from(Error::Download {
            what: self.name_of(path),
            reason: format!("the server redirects more than {REDIRECTS} times"),
            remedy: "check HF_ENDPOINT and the proxy".into(),
        }))
    }
}

/// A header as text.
pub(super) fn header<'r>(response: &'r Response<Body>, name: &str) -> Option<&'r str> {
    response.headers().get(name)?.to_str().ok().map(str::trim)
}

fn redirect(response: &Response<Body>) -> Option<&str> {
    match response.status().as_u16() {
        301 | 302 | 303 | 307 | 308 => header(response, "location"),
        _ => None,
    }
}

/// Scheme, host and port, as far as two URLs must have them in common to be of one server.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    Some(format!("{scheme}://{host}").to_ascii_lowercase())
}

fn same_origin(url: &str, endpoint: &str) -> bool {
    origin(url).is_some_and(|own| Some(own) == origin(endpoint))
}

/// Where a redirect leads: a whole URL, or a path on the same server. None for anything else.
fn joined(base: &str, location: &str) -> Option<String> {
    if location.starts_with("https://") || location.starts_with("http://") {
        // Never from https to http.
        let worse = base.starts_with("https://") && location.starts_with("http://");
        return (!worse).then(|| location.to_owned());
    }
    let path = location.starts_with('/') && !location.starts_with("//");
    path.then(|| origin(base).map(|origin| format!("{origin}{location}"))).flatten()
}

/// A part of a URL, everything but plain characters and those of `kept` percent-encoded.
pub(super) fn encoded(text: &str, kept: &str) -> String {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || kept.as_bytes().contains(&byte);
    let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_or_leave() {
        let base = "https://hub.co:8443/a/b?x=1";
        assert_eq!(joined(base, "/c?d").as_deref(), Some("https://hub.co:8443/c?d"));
        assert_eq!(joined(base, "https://cdn.co/c").as_deref(), Some("https://cdn.co/c"));
        for refused in ["http://hub.co/c", "//cdn.co/c", "c", "ftp://x/", ""] {
            assert_eq!(joined(base, refused), None, "{refused}");
        }
        assert!(same_origin("https://HUB.co:8443/z", base));
        let others = [
            "https://hub.co/z",
            "http://hub.co:8443/",
            "https://hub.co:8443@evil.co/",
            "https://hub.co:84433",
        ];
        for other in others {
            assert!(!same_origin(other, base), "{other}");
        }
        assert_eq!(encoded("a b/ü#", "/"), "a%20b/%C3%BC%23");
        assert_eq!(encoded("refs/pr/1", ""), "refs%2Fpr%2F1");
    }
}
