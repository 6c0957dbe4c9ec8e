//! How the plugin works, as the environment or a caller says.

use crate::autocast::Autocast;
use crate::kernels::{Kernel, KernelParams, Kernels};
use crate::recipe::DiskOptions;
use std::env;
use std::str::FromStr;
use std::sync::Arc;

/// How much one recipe holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Region {
    /// A block, or what stands between a block's calls of others: a block that is called often is compiled once.
    Block,
    /// A whole Program, or whatever has accumulated.
    Step,
}

/// What attention becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttentionKind {
    /// One node that computes probabilities piece by piece, `sdpa_recomp_fwd`.
    Fused,
    /// The same node in its fast mode, with a softmax of fewer bits, as optimum-habana has it for Flux.
    Fast,
    /// One node that writes the probabilities to memory, `sdpa_fwd`.
    Retained,
    /// Products and a softmax.
    Composed,
}

/// How the plugin works.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How much one recipe holds, where it is not left to the launch mode: a step in lazy mode, a block otherwise.
    pub region: Option<Region>,
    /// What attention becomes.
    pub attention: AttentionKind,
    /// How many recorded graphs a device keeps.
    pub max_graphs: usize,
    /// Mixed precision for what is computed in f32.
    pub autocast: Option<Autocast>,
    pub(crate) kernels: Kernels,
    pub(crate) disk: Option<DiskOptions>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            region: None,
            attention: AttentionKind::Fused,
            max_graphs: 64,
            autocast: None,
            kernels: Kernels::new(),
            disk: None,
        }
    }
}

impl Options {
    /// What the environment says: `TINTYPE_GAUDI_REGION` (`block`, `step`), `TINTYPE_GAUDI_ATTENTION` (`fused`, `fast`,
    /// `retained`, `composed`), `TINTYPE_GAUDI_MAX_GRAPHS`, `TINTYPE_GAUDI_KERNELS` (`operation=kernel,...`) and
    /// `PT_HPU_RECIPE_CACHE_CONFIG` (`folder,delete at start,MiB`).
    ///
    /// # Errors
    ///
    /// A variable that says nothing of these, by its name.
    pub fn from_env() -> Result<Self, String> {
        let mut options = Self { region: variable("TINTYPE_GAUDI_REGION")?, ..Self::default() };
        if let Some(attention) = variable("TINTYPE_GAUDI_ATTENTION")? {
            options.attention = attention;
        }
        if let Some(most) = variable::<usize>("TINTYPE_GAUDI_MAX_GRAPHS")? {
            options.max_graphs = most.max(1);
        }
        options.disk = variable("PT_HPU_RECIPE_CACHE_CONFIG")?;
        let kernels = variable::<String>("TINTYPE_GAUDI_KERNELS")?.unwrap_or_default();
        for pair in kernels.split(',').filter(|pair| !pair.trim().is_empty()) {
            let (operation, guid) = pair
                .split_once('=')
                .ok_or_else(|| format!("TINTYPE_GAUDI_KERNELS: `{pair}` is not operation=kernel"))?;
            options = options.kernel(operation.trim(), guid.trim(), Arc::new(|_| Ok(Vec::new())));
        }
        Ok(options)
    }

    /// Registers a TPC kernel for a custom operation. `{dtype}` in `guid` stands for the type of the first result;
    /// `params` makes the kernel's params struct. The library that has the kernel is one of those that `GC_KERNEL_PATH` names.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tintype_gaudi::{GaudiDriver, Options};
    /// use tintype_program::Attribute;
    ///
    /// let options = Options::default().kernel("acme.glow", "acme_glow_fwd_{dtype}", Arc::new(|attributes| {
    ///     match attributes.get("factor") {
    ///         Some(Attribute::Float(factor)) => Ok((*factor as f32).to_le_bytes().to_vec()),
    ///         _ => Err("acme.glow has no factor".into()),
    ///     }
    /// }));
    /// let driver = GaudiDriver::with(options);
    /// ```
    pub fn kernel(mut self, operation: &str, guid: &str, params: Arc<KernelParams>) -> Self {
        self.kernels.insert(operation.into(), Kernel { guid: guid.into(), params });
        self
    }
}

fn variable<T: FromStr<Err: std::fmt::Display>>(name: &str) -> Result<Option<T>, String> {
    let Some(text) = env::var_os(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    text.to_string_lossy().parse().map(Some).map_err(|reason| format!("{name}: {reason}"))
}

impl FromStr for Region {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "block" => Ok(Region::Block),
            "step" => Ok(Region::Step),
            _ => Err(format!("`{text}` is neither block nor step")),
        }
    }
}

impl FromStr for AttentionKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "fused" => Ok(AttentionKind::Fused),
            "fast" => Ok(AttentionKind::Fast),
            "retained" => Ok(AttentionKind::Retained),
            "composed" => Ok(AttentionKind::Composed),
            _ => Err(format!("`{text}` is not fused, fast, retained or composed")),
        }
    }
}
