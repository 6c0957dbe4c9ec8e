//! Downloads models from the Hugging Face Hub into its cache, in the cache's own layout, so that Python's tools find
//! them there and this library finds what they have left.
//!
//! Every file is checked against the checksum that the Hub gives before it gets its name. What a download that was cut
//! off has left is kept and taken up again.

mod api;
mod client;
mod digest;
mod file;
mod refused;
mod settings;
mod wanted;

pub use settings::Hub;

use crate::folder::Repository;
use crate::generate::{CancelToken, Watcher};
use crate::{Error, Result};
use client::Client;
use file::Cached;
use std::path::PathBuf;

/// Components whose weights come from elsewhere, so that the Hub's are not needed.
pub type WithoutWeights<'a> = &'a [&'a str];

impl Hub {
    /// Downloads what a pipeline needs of a repository and is not in the cache yet: `model_index.json`, configs,
    /// tokenizers, and one set of safetensors for each component. Gives the snapshot's folder.
    ///
    /// # Errors
    ///
    /// [`Error::Download`], saying what to do; [`Error::Cancelled`]. What was downloaded stays, and the next call goes on
    /// from there.
    pub fn download(
        &self,
        repository: &Repository,
        without: WithoutWeights<'_>,
        watcher: &mut dyn Watcher,
        cancel: &CancelToken,
    ) -> Result<PathBuf> {
        let client = Client::new(self, repository, cancel);
        let listed = api::revision(&client)?;
        let cached = Cached::new(&self.cache, repository, &listed.commit);
        let index = listed.files.iter().find(|file| file.path == wanted::INDEX);
        let Some(index) = index else {
            return Err(Error::Download {
                what: repository.to_string(),
                reason: format!(
                    "it holds no {}, so it is no diffusers pipeline (it holds {})",
                    wanted::INDEX,
                    listed.some_names()
                ),
                remedy: "give a repository in the diffusers layout; a single safetensors file is given with \
                         --transformer or --vae beside one"
                    .into(),
            });
        };
        let mut progress = file::Progress::new(watcher);
        file::fetch(&client, &cached, index, &mut progress)?;
        let components = wanted::components(&cached.path_of(wanted::INDEX))?;
        let files = wanted::files(&listed.files, &components, without);
        progress.expect(files.iter().filter_map(|file| file.size).sum());
        for file in files {
            cancel.check()?;
            file::fetch(&client, &cached, file, &mut progress)?;
        }
        // Last, so that the name never stands for half a snapshot.
        cached.name_revision(&repository.revision)?;
        Ok(cached.snapshot().to_path_buf())
    }
}
