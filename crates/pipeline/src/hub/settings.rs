//! The variables that Hugging Face's tools read (huggingface_hub, "Environment variables").

use crate::folder::{cache_folder, home_folder, is_true};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Where the Hub is, where its cache is, and who asks.
#[derive(Clone)]
pub struct Hub {
    /// `https://huggingface.co`, or a mirror, without a slash at its end.
    pub endpoint: String,
    /// The folder of the cache.
    pub cache: PathBuf,
    /// The token of an account, for gated and private repositories. Sent to the endpoint only.
    pub token: Option<String>,
    /// How long to wait before a request that failed is tried again; doubled each time.
    pub pause: Duration,
}

/// What stands for the Hub where `HF_ENDPOINT` is not set.
const ENDPOINT: &str = "https://huggingface.co";

impl Hub {
    /// From `HF_ENDPOINT`, the variables of the cache, and `HF_TOKEN` or the file that `hf auth login` writes
    /// (`$HF_TOKEN_PATH`, else `$HF_HOME/token`), which `HF_HUB_DISABLE_IMPLICIT_TOKEN` leaves alone. None where there is
    /// no place for a cache: no home.
    pub fn from_env() -> Option<Self> {
        Self::from(|key| std::env::var_os(key))
    }

    fn from(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let text = |key: &str| variable(key)?.into_string().ok().and_then(cleaned);
        let endpoint = text("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.into());
        let in_file = || {
            let path = variable("HF_TOKEN_PATH").filter(|path| !path.is_empty()).map(PathBuf::from);
            let path = path.or_else(|| Some(home_folder(&variable)?.join("token")))?;
            std::fs::read_to_string(path).ok().and_then(cleaned)
        };
        let mut token = text("HF_TOKEN").or_else(|| text("HUGGING_FACE_HUB_TOKEN"));
        if token.is_none() && !text("HF_HUB_DISABLE_IMPLICIT_TOKEN").is_some_and(|value| is_true(&value)) {
            token = in_file();
        }
        Some(Hub {
            endpoint: endpoint.trim_end_matches('/').into(),
            cache: cache_folder(&variable)?,
            token,
            pause: Duration::from_secs(1),
        })
    }
}

fn cleaned(text: String) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Without the token.
impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "...");
        let mut fields = f.debug_struct("Hub");
        fields.field("endpoint", &self.endpoint).field("cache", &self.cache).field("token", &token).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    #[test]
    fn variables_are_read_as_huggingface_hub_reads_them() {
        let scratch = Scratch::new();
        scratch.file("token", " from-file\n");
        let home = scratch.path().to_str().unwrap();
        let with = |set: &[(&str, &str)]| {
            let set: Vec<_> = set.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
            Hub::from(move |key| set.iter().find(|(k, _)| k == key).map(|(_, v)| v.into()))
        };
        let hub = with(&[("HF_HOME", home), ("HF_ENDPOINT", "http://mirror/")]).unwrap();
        assert_eq!(hub.endpoint, "http://mirror");
        assert_eq!(hub.cache, scratch.path().join("hub"));
        assert_eq!(hub.token.as_deref(), Some("from-file"));
        assert!(!format!("{hub:?}").contains("from-file"));
        let token = |more: &[(&str, &str)]| with(&[&[("HF_HOME", home)], more].concat()).unwrap().token;
        assert_eq!(token(&[("HF_TOKEN", "a"), ("HUGGING_FACE_HUB_TOKEN", "b")]).as_deref(), Some("a"));
        assert_eq!(token(&[("HF_TOKEN", " ")]).as_deref(), Some("from-file"));
        assert_eq!(token(&[("HF_HUB_DISABLE_IMPLICIT_TOKEN", "yes")]), None);
        assert_eq!(token(&[("HF_TOKEN_PATH", "/none")]), None);
        assert_eq!(with(&[("HF_HUB_CACHE", "/c")]).unwrap().endpoint, "https://huggingface.co");
        assert!(with(&[]).is_none());
    }
}
