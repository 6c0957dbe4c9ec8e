//! A model on a device, ready to make pictures.

use crate::files::{Latents, Picture};
use crate::flux::Flux;
use crate::folder::{Location, ModelFolder, PipelineClass};
use crate::generate::{
    Ahead, CancelToken, Event, Pace, Place, Request, Run, Settings, Throughput, VaeTile, Watcher,
};
use crate::inspect::{Alternative, Fit, Forecast, alternatives, forecast, listed};
use crate::recipe::Made;
use crate::{Arithmetic, Error, Moment, Quantization, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tintype_accel::{Accelerator, Device, LaunchMode, Stats, Weights};
use tintype_program::DType;

/// How a model is put on a device.
#[derive(Clone, Copy, Debug, Default)]
pub struct PipelineOptions {
    /// The dtype of weights and arithmetic; that of the model's `tintype.json`, else of the stored weights, where it is
    /// not said.
    pub dtype: Option<DType>,
    /// What the denoiser's blocks are quantized to, or that they are not; not where it is not said.
    pub quantize: Option<Option<Quantization>>,
    /// The launch mode; the device's first where it is not said.
    pub launch: Option<LaunchMode>,
}

impl PipelineOptions {
    /// The arithmetic and launch mode on a device, for weights that are stored as `stored`; refuses what it does not have.
    pub(crate) fn choose(&self, device: &Device, stored: DType) -> Result<(Arithmetic, LaunchMode)> {
        let dtype = self.dtype.unwrap_or(stored);
        if !device.capabilities.dtypes.contains(&dtype) {
            let known: Vec<_> = device.capabilities.dtypes.iter().map(|dtype| dtype.name()).collect();
            return Err(Error::Request {
                option: "dtype",
                value: dtype.name().into(),
                remedy: format!(
                    "{} computes in {}; choose one with --dtype",
                    device.label(),
                    known.join(", ")
                ),
            });
        }
        let launch = match (self.launch, device.capabilities.launch.as_slice()) {
            (Some(mode), modes) if modes.contains(&mode) => mode,
            (None, [first, ..]) => *first,
            (mode, modes) => {
                let known: Vec<_> = modes.iter().map(|mode| mode.name()).collect();
                return Err(tintype_accel::Error::LaunchMode {
                    backend: device.backend.into(),
                    mode: mode.unwrap_or(LaunchMode::Compiled),
                    known: known.join(", "),
                }
                .into());
            }
        };
        Ok((Arithmetic { dtype, quantize: self.quantize.flatten() }, launch))
    }
}

/// A model on a device. Weights are loaded and Programs compiled when they are first needed, and kept.
pub struct Pipeline {
    root: PathBuf,
    place: Place,
    arithmetic: Arithmetic,
    flux: Flux,
    /// Runs that were found to fit.
    fitting: Vec<Size>,
}

/// What decides how much memory a run takes.
#[derive(Clone, Copy, PartialEq)]
struct Size {
    sides: [Option<usize>; 2],
    batch: [Option<usize>; 2],
    seeds: usize,
    text_tokens: Option<usize>,
    guided: bool,
    from_image: bool,
    vae_tile: VaeTile,
}

impl Size {
    fn of(request: &Request) -> Self {
        Self {
            sides: [request.width, request.height],
            batch: [request.batch_size, request.count],
            seeds: request.seeds.len(),
            text_tokens: request.max_sequence_length,
            guided: request.true_cfg.is_some() && request.negative.is_some(),
            from_image: request.image.is_some(),
            vae_tile: request.vae_tile,
        }
    }
}

/// Bytes that a small model's intermediate results come nowhere near.
const AMPLE: u64 = 4 << 30;

/// Sizes that are remembered to fit.
const REMEMBERED: usize = 64;

/// The pictures of a run, and what made them.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The pictures, in the order of their draws.
    pub pictures: Vec<Picture>,
    /// Every setting, defaults filled in; of several seeds the first.
    pub settings: Settings,
    /// What the device did for it.
    pub stats: Stats,
    /// Seconds of a denoising step of a whole batch, the first step aside; none where fewer than three were run.
    pub step_seconds: Option<f64>,
    /// How fast the batches behind the first went, where there were any.
    pub throughput: Option<Throughput>,
}

impl Pipeline {
    /// Opens a model folder in the diffusers layout for a device. Reads configs, tokenizers and the headers of
    /// weights; weights themselves are loaded by the first run.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the folder, named; a dtype or launch mode that the device does not have.
    pub fn open(
        root: impl Into<Location>,
        accelerator: Arc<dyn Accelerator>,
        options: PipelineOptions,
    ) -> Result<Self> {
        Self::of(&ModelFolder::open(root)?, accelerator, options)
    }

    /// As [`Pipeline::open`], of a folder some of whose components may come from single files.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::open`].
    pub fn of(
        folder: &ModelFolder,
        accelerator: Arc<dyn Accelerator>,
        options: PipelineOptions,
    ) -> Result<Self> {
        let _span = tracing::info_span!("open", model = %folder.root().display()).entered();
        let flux = match folder.class() {
            PipelineClass::Flux => Flux::open(folder)?,
        };
        Self::place(folder.root().to_path_buf(), flux, accelerator, options)
    }

    /// Another pipeline of the same model on the same device. The two have one copy of configs, tokenizers, mapped
    /// files and weights, whichever of them loads first, and may run on two threads; compiled Programs and their
    /// arenas are each one's own. Of two that need a component's weights at once, one loads and the other waits.
    ///
    /// What `options` leaves open is as in this pipeline. Weights are shared where both have the same arithmetic; another
    /// one makes a set of its own. A weight that is written in place ([`Weights::write`]) changes for both. Weights
    /// stay until the last pipeline that uses them is dropped.
    ///
    /// # Errors
    ///
    /// A dtype or launch mode that the device does not have.
    pub fn share(&self, options: PipelineOptions) -> Result<Self> {
        let accelerator = Arc::clone(&self.place.accelerator);
        let options = PipelineOptions {
            dtype: options.dtype.or(Some(self.arithmetic.dtype)),
            quantize: options.quantize.or(Some(self.arithmetic.quantize)),
            launch: options.launch.or(Some(self.place.launch)),
        };
        Self::place(self.root.clone(), self.flux.share(), accelerator, options)
    }

    /// A model that is open, on a device.
    fn place(
        root: PathBuf,
        flux: Flux,
        accelerator: Arc<dyn Accelerator>,
        options: PipelineOptions,
    ) -> Result<Self> {
        let stored = flux.default_dtype().unwrap_or_else(|| flux.stored_dtype());
        let (arithmetic, launch) = options.choose(accelerator.device(), stored)?;
        let place = Place { accelerator, launch };
        Ok(Self { root, place, arithmetic, flux, fitting: Vec::new() })
    }

    /// Makes pictures.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] for what the model cannot do and [`Error::DoesNotFit`] for what the device has no memory for,
    /// both before anything runs; [`Error::OutOfMemory`] where memory runs out all the same; [`Error::Cancelled`]; [`Error::NotFinite`] instead of a picture of NaN;
    /// [`Error::Unfinished`] for a picture that is denoised and could not be decoded or handed over; whatever the device
    /// reports.
    pub fn generate(
        &mut self,
        request: &Request,
        watcher: &mut dyn Watcher,
        cancel: &CancelToken,
    ) -> Result<Generated> {
        let before = self.place.accelerator.stats();
        let cold = self.flux.weights().is_empty();
        let early = cold && self.has_ample_room();
        let mut ahead = if early { self.ahead(request)? } else { Ahead::default() };
        self.refuse_what_cannot_fit(request)?;
        if cold && !early {
            ahead = self.ahead(request)?;
        }
        let made = self.run(watcher, cancel, (before, ahead), |flux, run| flux.generate(request, run));
        made.map_err(|error| self.explain(request, error))
    }

    /// Decodes latents that were kept when a picture could not be finished ([`Error::Unfinished`]). The pictures and
    /// their texts are those that the run would have made: in tiles where it had begun to decode in tiles, else whole or
    /// in tiles as the device's free memory allows.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] for latents that this model does not make; otherwise as [`Pipeline::generate`].
    pub fn decode(
        &mut self,
        latents: &Latents,
        watcher: &mut dyn Watcher,
        cancel: &CancelToken,
    ) -> Result<Generated> {
        let tile = latents.made.settings.vae_tile.map_or(VaeTile::Auto, VaeTile::Pixels);
        self.decode_with(latents, tile, watcher, cancel)
    }

    /// As [`Pipeline::decode`], whole or in tiles as `tile` says.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::decode`].
    pub fn decode_with(
        &mut self,
        latents: &Latents,
        tile: VaeTile,
        watcher: &mut dyn Watcher,
        cancel: &CancelToken,
    ) -> Result<Generated> {
        let begun = (self.place.accelerator.stats(), Ahead::default());
        self.run(watcher, cancel, begun, |flux, run| flux.decode(latents, tile, run))
    }

    fn run(
        &mut self,
        watcher: &mut dyn Watcher,
        cancel: &CancelToken,
        (before, ahead): (Stats, Ahead),
        work: impl FnOnce(&mut Flux, &mut Run<'_>) -> Result<(Settings, Vec<Picture>)>,
    ) -> Result<Generated> {
        let made = self.made();
        let Self { place, arithmetic, flux, .. } = self;
        let pace = Pace::start();
        let mut run = Run {
            place,
            arithmetic: *arithmetic,
            watcher,
            cancel,
            made: &made,
            step_seconds: None,
            pace,
            ahead,
        };
        let done = work(flux, &mut run);
        for what in run.place.accelerator.fallbacks() {
            run.watcher.event(Event::Fallback { what });
        }
        let (settings, pictures) = done?;
        let Run { step_seconds, pace, ahead, .. } = run;
        let throughput = pace.throughput();
        // What is still compiled belongs to this run.
        drop(ahead);
        let stats = self.place.accelerator.stats() - before;
        Ok(Generated { pictures, settings, stats, step_seconds, throughput })
    }

    /// Whether the weights are small beside what the device has free: that a run does not fit is then known only after some
    /// kernels are loaded, should it ever be so.
    fn has_ample_room(&self) -> bool {
        let weights: usize = self.flux.parts().iter().map(|part| part.weights.total_bytes()).sum();
        let free = self.place.accelerator.free_memory();
        free.is_some_and(|free| free >= (weights as u64).saturating_mul(2).saturating_add(AMPLE))
    }

    /// Begins to compile what a run will need: meanwhile it is found out whether it fits, and weights are loaded.
    fn ahead(&self, request: &Request) -> Result<Ahead> {
        let (_, _, stages) = self.flux.stages(request, self.arithmetic)?;
        let Place { accelerator, launch } = &self.place;
        let programs = stages.into_iter().map(|stage| stage.program);
        Ok(Ahead::begin(accelerator, *launch, programs))
    }

    /// What a run of `request` would take of the device, and whether it fits. Loads and runs nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] for what the model cannot do; an operation that the device cannot run.
    pub fn forecast(&self, request: &Request) -> Result<Forecast> {
        let Place { accelerator, launch } = &self.place;
        forecast(&self.flux, request, accelerator.as_ref(), self.arithmetic, *launch, None, None)
    }

    fn refuse_what_cannot_fit(&mut self, request: &Request) -> Result<()> {
        let size = Size::of(request);
        if self.fitting.contains(&size) {
            return Ok(());
        }
        let forecast = self.forecast(request)?;
        if forecast.fit == Fit::DoesNotFit {
            let others = self.alternatives(request, None);
            return Err(forecast.refusal(&others, self.place.accelerator.memory().held()));
        }
        if self.fitting.len() >= REMEMBERED {
            self.fitting.clear();
        }
        self.fitting.push(size);
        Ok(())
    }

    /// Settings that take less than those of `request`, and no more than `most` bytes.
    fn alternatives(&self, request: &Request, most: Option<u64>) -> Vec<Alternative> {
        let Place { accelerator, launch } = &self.place;
        alternatives(&self.flux, request, accelerator.as_ref(), self.arithmetic, *launch, most)
    }

    /// An error of a run of `request`. Where memory ran out it says what would fit, and the next run is planned anew.
    fn explain(&mut self, request: &Request, error: Error) -> Error {
        let error = error.at(Moment::Running);
        if !error.is_out_of_memory() {
            return error;
        }
        let size = Size::of(request);
        self.fitting.retain(|known| *known != size);
        // Latents that are kept are decoded at their own size, and the error says how.
        if matches!(error, Error::Unfinished { .. }) {
            return error;
        }
        let Ok(Forecast { peak, fit, .. }) = self.forecast(request) else { return error };
        let (verb, most) = match fit {
            Fit::DoesNotFit => ("it would fit with", None),
            // By the plan it would still fit, so what is missing is no part of it: nobody knows whether less is enough.
            _ => ("less is taken with", Some(peak.saturating_sub(error.missing().unwrap_or(1)))),
        };
        let others = self.alternatives(request, most);
        error.with_remedy(listed(verb, &others))
    }

    /// The device.
    pub fn accelerator(&self) -> &Arc<dyn Accelerator> {
        &self.place.accelerator
    }

    /// In what it computes.
    pub fn arithmetic(&self) -> Arithmetic {
        self.arithmetic
    }

    /// The dtype of the arithmetic.
    pub fn dtype(&self) -> DType {
        self.arithmetic.dtype
    }

    /// The launch mode.
    pub fn launch(&self) -> LaunchMode {
        self.place.launch
    }

    /// What attention became in the denoiser that ran last: [`tintype_accel::Module::attention`].
    pub fn attention(&self) -> Vec<String> {
        self.flux.attention()
    }

    /// The model's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A short name for the weights' content: equal for equal checkpoints, from headers and samples of each tensor.
    pub fn fingerprint(&self) -> &str {
        self.flux.fingerprint()
    }

    /// The weights that are on the device, by component. They may be written in place: see [`Weights::write`].
    pub fn weights(&self) -> Vec<(&'static str, Arc<Weights>)> {
        self.flux.weights()
    }

    /// What a picture's file says of how it was made, settings aside.
    fn made(&self) -> Made {
        let device = self.place.accelerator.device();
        Made {
            settings: Settings::default(),
            seeds: Vec::new(),
            picture: 0,
            model: self.root.file_name().unwrap_or_default().to_string_lossy().into(),
            model_fingerprint: self.fingerprint().into(),
            scheduler: self.flux.scheduler().into(),
            backend: device.backend.into(),
            device: device.name.clone(),
            emulated: device.emulated,
            launch: self.place.launch.name().into(),
            attention: Vec::new(),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }
}
