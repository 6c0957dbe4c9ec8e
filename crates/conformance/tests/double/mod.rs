//! A plugin around the interpreter, with one defect at a time.

mod instance;
mod memory;

pub use instance::DoubleModule;
pub use memory::{Done, Memory};

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use tintype_accel::{
    Accelerator, Buffer, Capabilities, CompileOptions, Counters, Coverage, Device, Error, Fence, FlushReason,
    HostBytes, LaunchMode, MemoryAccount, MemoryReport, Module, OpCoverage, Purpose, Readback, Result, Stats,
    Storage, Support, raise,
};
use tintype_program::{Binary, Block, BlockHash, DType, Node, Op, Pairing, Program, TensorType, ValueId};

/// What is wrong with the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// Nothing.
    None,
    /// Rotary embeddings turn the other pairs.
    RotaryPairing,
    /// Attention does not look at its mask.
    IgnoresMask,
    /// Weights are copied when they are bound.
    StaleWeights,
    /// Outputs are written one element too far.
    WritesPastTheEnd,
    /// The last element of an output of odd size is not written.
    LeavesTheTail,
    /// The last element of an output of odd size is NaN.
    NanInTheTail,
    /// An input is overwritten by the run.
    WritesAnInput,
    /// States are written one after the other, each reading what is there by then.
    StatesInOrder,
    /// A second run sees the inputs of the first.
    FrozenInputs,
    /// bf16 is truncated rather than rounded.
    TruncatesBf16,
    /// Every run compiles.
    CompilesInRuns,
    /// Every run waits for the device.
    WaitsInRuns,
    /// Every run captures anew.
    CapturesAgain,
    /// Runs are not counted.
    DoesNotCount,
    /// Convolutions round before they add the bias.
    RoundsBeforeBias,
    /// As that, and the plugin says so.
    TellsRounding,
    /// Convolutions are unsupported, and said to be.
    LacksConvolution,
    /// Convolutions are unsupported, and compiling them fails without a word in coverage.
    HidesConvolution,
    /// Integer casts fail on the device.
    FailsOnCasts,
}

pub struct Double {
    device: Device,
    pub defect: Defect,
    pub counters: Arc<Counters>,
    account: Arc<MemoryAccount>,
    compiled: Mutex<HashSet<BlockHash>>,
}

impl Double {
    pub fn open(defect: Defect) -> Arc<dyn Accelerator> {
        let device = Device {
            backend: "double",
            ordinal: 0,
            id: "double:0".into(),
            name: "the interpreter".into(),
            arch: "float64".into(),
            memory: None,
            emulated: true,
            versions: Vec::new(),
            capabilities: Capabilities {
                dtypes: DType::ALL.into(),
                launch: vec![LaunchMode::Eager, LaunchMode::Graph],
            },
        };
        Arc::new(Self {
            device,
            defect,
            counters: Arc::default(),
            account: Arc::default(),
            compiled: Mutex::default(),
        })
    }

    fn lacks(&self, program: &Program) -> bool {
        matches!(self.defect, Defect::LacksConvolution | Defect::HidesConvolution)
            && program.blocks.iter().flat_map(|b| &b.nodes).any(|n| matches!(n.op, Op::Convolution { .. }))
    }

    /// The Program as the plugin wrongly understands it.
    fn misread(&self, mut program: Program) -> Program {
        for node in program.blocks.iter_mut().flat_map(|block| &mut block.nodes) {
            match (&mut node.op, self.defect) {
                (Op::RotaryEmbedding { pairing }, Defect::RotaryPairing) => {
                    *pairing = match pairing {
                        Pairing::Interleaved => Pairing::Halves,
                        Pairing::Halves => Pairing::Interleaved,
                    };
                }
                (Op::Attention { .. }, Defect::IgnoresMask) => node.inputs.truncate(3),
                _ => {}
            }
        }
        if matches!(self.defect, Defect::RoundsBeforeBias | Defect::TellsRounding) {
            program.blocks.iter_mut().for_each(bias_last);
        }
        program
    }
}

/// Takes the bias out of convolutions and adds it to what they give, which by then is rounded.
fn bias_last(block: &mut Block) {
    for mut node in std::mem::take(&mut block.nodes) {
        let bias = matches!(node.op, Op::Convolution { .. }).then(|| node.inputs.get(2).copied()).flatten();
        let Some(bias) = bias else {
            block.nodes.push(node);
            continue;
        };
        let result = node.outputs[0];
        let ty = block.ty(result).clone();
        let lined = [&[1, ty.shape[1]], &vec![1; ty.shape.len() - 2][..]].concat();
        let [lines, spread] = [lined.clone(), ty.shape.to_vec()]
            .map(|shape| block.push_value(TensorType::new(ty.dtype, shape)));
        let bare = block.push_value(ty.clone());
        node.inputs.truncate(2);
        node.outputs = vec![bare];
        let then = |op, inputs: &[ValueId], output| Node { op, inputs: inputs.into(), outputs: vec![output] };
        block.nodes.extend([
            node,
            then(Op::Reshape { shape: lined }, &[bias], lines),
            then(Op::Broadcast { shape: ty.shape }, &[lines], spread),
            then(Op::Binary { function: Binary::Add }, &[bare, spread], result),
        ]);
    }
}

impl Accelerator for Double {
    fn device(&self) -> &Device {
        &self.device
    }

    fn coverage(&self, program: &Program) -> Coverage {
        let mut coverage = Coverage::default();
        for block in &program.blocks {
            for (i, node) in block.nodes.iter().enumerate() {
                let lacks =
                    self.defect == Defect::LacksConvolution && matches!(node.op, Op::Convolution { .. });
                let support =
                    if lacks { Support::Unsupported("there is no kernel".into()) } else { Support::Native };
                let (block, op) = (block.name.clone(), node.op.name().to_string());
                coverage.ops.push(OpCoverage { block, node: i, op, operands: String::new(), support });
            }
        }
        coverage
    }

    fn roundings(&self, node: &Node) -> u32 {
        let tells = self.defect == Defect::TellsRounding && matches!(node.op, Op::Convolution { .. });
        u32::from(tells && node.inputs.len() > 2)
    }

    fn compile(&self, program: &Program, options: &CompileOptions) -> Result<Arc<dyn Module>> {
        program.check()?;
        if !self.device.capabilities.launch.contains(&options.launch) {
            let (backend, known) = ("double".into(), "eager, graph".into());
            return Err(Error::LaunchMode { backend, mode: options.launch, known });
        }
        if self.lacks(program) {
            let reason = "there is no kernel".into();
            let (backend, block, op) = ("double".into(), String::new(), "convolution".into());
            return Err(Error::Unsupported { backend, block, op, operands: String::new(), reason });
        }
        let mut compiled = self.compiled.lock().unwrap();
        for hash in program.hashes() {
            let counter =
                if compiled.insert(hash) { &self.counters.compiles } else { &self.counters.cache_hits };
            raise(counter, 1);
        }
        let module = DoubleModule::new(
            program,
            self.misread(program.clone()),
            options.launch,
            self.defect,
            Arc::clone(&self.counters),
        );
        Ok(Arc::new(module))
    }

    fn allocate(&self, bytes: usize, purpose: Purpose) -> Result<Arc<dyn Storage>> {
        raise(&self.counters.allocations, 1);
        Ok(Arc::new(Memory::new(bytes, purpose, Arc::clone(&self.account))))
    }

    fn upload(&self, storage: &Arc<dyn Storage>, offset: usize, bytes: HostBytes) -> Result<()> {
        raise(&self.counters.bytes_uploaded, bytes.len() as u64);
        Memory::of(storage).write(offset, bytes.as_slice());
        Ok(())
    }

    fn read(&self, buffer: &Buffer) -> Result<Readback> {
        let bytes = Memory::read(buffer);
        raise(&self.counters.bytes_downloaded, bytes.len() as u64);
        Ok(Readback::new(self.record()?, Arc::new(Mutex::new(bytes))))
    }

    fn record(&self) -> Result<Fence> {
        Ok(Fence::new(Done))
    }

    fn flush(&self, _reason: FlushReason) -> Result<()> {
        Ok(())
    }

    fn synchronize(&self) -> Result<()> {
        raise(&self.counters.host_synchronizations, 1);
        Ok(())
    }

    fn memory(&self) -> MemoryReport {
        self.account.report()
    }

    fn stats(&self) -> Stats {
        self.counters.snapshot()
    }
}
