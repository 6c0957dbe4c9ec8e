//! Weights on their way from files to the device.

use super::pipeline::source;
use super::{Options, blank, launch};
use crate::result::{BenchResult, Memory, Seconds, Work};
use crate::{Error, Result, Summary, What};
use std::sync::Arc;
use std::time::Instant;
use tintype_accel::{
    Accelerator, Buffer, FileBytes, HostBytes, HostTensor, ParamSlot, TensorSource, Weights,
};
use tintype_pipeline::files::Checkpoint;
use tintype_program::{Encoding, Source, TensorType};

/// A component's weights as they are stored, and how they are declared.
struct Stored {
    checkpoint: Checkpoint,
    slots: Vec<ParamSlot>,
    mapped: bool,
}

/// Loads all weights of a model, as they are stored, again and again: `seconds.cold` is the first time, when the device's
/// memory is new and a file may have to come from the disk. Each time ends when the last byte is on the device; then all
/// are let go. The largest weight of each component is read back once and compared.
///
/// # Errors
///
/// Whatever is wrong with the folder, whatever the device reports, and [`Error::Differs`].
pub fn upload(accelerator: &Arc<dyn Accelerator>, options: &Options) -> Result<BenchResult> {
    let root = source(options)?.root;
    let components = match root.join("model_index.json").is_file() {
        true => {
            [What::Clip, What::T5, What::Transformer, What::Vae].map(|what| root.join(what.folder())).to_vec()
        }
        false => vec![root.clone()],
    };
    let stored = components.iter().map(|folder| {
        let checkpoint = Checkpoint::open(folder, &["diffusion_pytorch_model", "model"])?;
        let names = TensorSource::names(&checkpoint);
        let slots = names.into_iter().map(|name| slot(&checkpoint, name)).collect::<Result<_>>()?;
        Ok(Stored { checkpoint, slots, mapped: options.mapped })
    });
    let stored = stored.collect::<Result<Vec<_>>>()?;
    let before = accelerator.stats();
    let (cold, loaded) = timed(accelerator, &stored)?;
    for (stored, weights) in stored.iter().zip(&loaded) {
        stored.compare(accelerator, weights)?;
    }
    let memory = Memory::from(accelerator.memory());
    drop(loaded);
    let warm = timed(accelerator, &stored)?.0;
    let warmed = accelerator.stats();
    let steady =
        (0..options.repeats).map(|_| Ok(timed(accelerator, &stored)?.0)).collect::<Result<Vec<_>>>()?;
    let slots = stored.iter().flat_map(|stored| &stored.slots);
    let bytes: u64 = slots.clone().map(|slot| slot.ty.bytes() as u64).sum();
    let summary = Summary::of(&steady);
    let bytes_per_second = summary.map(|summary| bytes as f64 / summary.median);
    Ok(BenchResult {
        model: root.display().to_string(),
        sizes: [("weights".to_string(), slots.count() as u64), ("mapped".into(), options.mapped.into())]
            .into(),
        launch: launch(&**accelerator, options).name().into(),
        seconds: Seconds { cold, warm, steady, summary, ..Seconds::default() },
        work: Work { bytes, bytes_per_second, ..Work::default() },
        memory,
        counters: crate::Counters {
            start: (warmed - before).into(),
            steady: (accelerator.stats() - warmed).into(),
        },
        ..blank(&**accelerator, "upload", options.threads)
    })
}

/// Loads everything once, to the last byte.
fn timed(accelerator: &Arc<dyn Accelerator>, stored: &[Stored]) -> Result<(f64, Vec<Arc<Weights>>)> {
    let started = Instant::now();
    let loaded = stored
        .iter()
        .map(|stored| Ok(Weights::load(accelerator, &stored.slots, stored, &|_| false, &mut |_, _| {})?));
    let loaded = loaded.collect::<Result<Vec<_>>>()?;
    accelerator.synchronize()?;
    Ok((started.elapsed().as_secs_f64(), loaded))
}

/// A stored tensor as a parameter that is loaded as it is.
fn slot(checkpoint: &Checkpoint, name: String) -> Result<ParamSlot> {
    let refuse = |reason: String| Error::Request { option: "model", value: name.clone(), remedy: reason };
    let tensor = TensorSource::get(checkpoint, &name).map_err(refuse)?;
    let HostTensor { dtype, shape, .. } = tensor.ok_or_else(|| refuse("it is not there".into()))?;
    let source = Source::Load { name: name.clone() };
    Ok(ParamSlot { name, ty: TensorType::new(dtype, shape), encoding: Encoding::Plain, source, within: None })
}

impl Stored {
    /// Whether the largest weight came over whole.
    fn compare(&self, accelerator: &Arc<dyn Accelerator>, weights: &Weights) -> Result<()> {
        let Some(largest) = self.slots.iter().max_by_key(|slot| slot.ty.bytes()) else { return Ok(()) };
        let buffer = Buffer::at(Arc::clone(weights.resolve(largest)?), 0, largest.ty.clone())?;
        let there = accelerator.download(&buffer)?;
        let here = self.checkpoint.get(&largest.name).map(|tensor| tensor.bytes);
        if here != Some(there.as_slice()) {
            return Err(Error::Differs { what: largest.name.clone() });
        }
        Ok(())
    }
}

impl TensorSource for Stored {
    fn origin(&self) -> String {
        self.checkpoint.origin()
    }

    fn names(&self) -> Vec<String> {
        TensorSource::names(&self.checkpoint)
    }

    fn get(&self, name: &str) -> std::result::Result<Option<HostTensor>, String> {
        let tensor = TensorSource::get(&self.checkpoint, name)?;
        Ok(tensor.map(|tensor| match (self.mapped, tensor.bytes) {
            (true, HostBytes::File(file, range)) => {
                HostTensor { bytes: HostBytes::Shared(Arc::new(Pages(file)), range), ..tensor }
            }
            (_, bytes) => HostTensor { bytes, ..tensor },
        }))
    }
}

/// A file of which nobody knows that it could be read.
struct Pages(Arc<dyn FileBytes>);

impl AsRef<[u8]> for Pages {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}
