//! Norms of rows, with what follows them, in one pass: a row is read once, held in registers, and written once.

use super::super::elementwise::Expression;
use super::super::pointwise::{blocks, indent};
use super::super::walk::{Index, Walk, broadcast};
use crate::prelude::name;
use crate::{Architecture, Arg, KernelSource, Launch, View};
use std::fmt::Write;
use tintype_program::{Block, Pairing};

/// What is done to a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Layer { eps: f64 },
    Rms { eps: f64 },
}

/// What is done to its elements then. Operands are named by their place among those of the launch.
pub(super) enum After<'b> {
    Nothing,
    Rotary {
        pairing: Pairing,
        cos: usize,
        sin: usize,
    },
    /// A block of elementwise operations; the operand that is none is the norm's result.
    Group {
        block: &'b Block,
        operands: Vec<Option<usize>>,
    },
}

/// A norm of the rows of `x`.
pub(super) struct Row<'a> {
    pub(super) kind: Kind,
    /// The first operand, its axes in the order of the result's.
    pub(super) x: View,
    /// How many of the next operands are weight and bias.
    pub(super) affine: usize,
    pub(super) after: After<'a>,
    pub(super) reads: &'a [View],
    pub(super) to: &'a View,
}

impl Row<'_> {
    pub(super) fn launch(self, architecture: &Architecture) -> Result<Launch, String> {
        let width = self.x.shape.last().copied().filter(|&width| width > 0).ok_or("a row has no elements")?;
        let rows = &self.x.shape[..self.x.shape.len() - 1];
        let (mut operands, mut inner) = (Vec::new(), Vec::new());
        for (position, view) in std::iter::once(self.to).chain(self.reads).enumerate() {
            // The row itself with its axes turned; tables of angles stand along the second innermost axis.
            let strides = if position == 1 { self.x.strides.clone() } else { broadcast(view, &self.x.shape) };
            inner.push(strides.last().copied().unwrap_or(0));
            operands.push(strides);
        }
        let outer: Vec<&[usize]> = operands.iter().map(|strides| &strides[..rows.len()]).collect();
        let walk = Walk::over(rows, &outer);
        let pairs = matches!(self.after, After::Rotary { pairing: Pairing::Interleaved, .. });
        let lanes = self.lanes(width, &operands, &inner, pairs);
        // A warp for a short row, a block for a long one.
        let warp = architecture.warp as usize;
        let threads = if width <= warp * 8 { warp } else { 256 };
        let each = width.div_ceil(threads * lanes);
        if each * lanes > 64 {
            return Err(format!("rows of {width} elements are longer than a block of threads can hold"));
        }
        let code = self.code(&walk, &inner, Shape { width, lanes, threads, each })?;
        let index = Index::Wide;
        let mut args = vec![Arg::Write(0)];
        args.extend((0..self.reads.len()).map(Arg::Read));
        args.extend(inner.iter().map(|&stride| index.arg(stride)));
        args.extend(walk.arguments(index));
        let kernel = KernelSource { entry: self.entry().into(), code: code.into() };
        Ok(Launch { kernel, grid: blocks(walk.elements())?, block: [threads as u32, 1, 1], shared: 0, args })
    }

    fn entry(&self) -> &'static str {
        match (&self.kind, &self.after) {
            (Kind::Layer { .. }, After::Nothing) => "layer_norm",
            (Kind::Rms { .. }, After::Nothing) => "rms_norm",
            (Kind::Layer { .. }, After::Rotary { .. }) => "layer_norm_rotary",
            (Kind::Rms { .. }, After::Rotary { .. }) => "rms_norm_rotary",
            (Kind::Layer { .. }, After::Group { .. }) => "layer_norm_elementwise",
            (Kind::Rms { .. }, After::Group { .. }) => "rms_norm_elementwise",
        }
    }

    /// How many neighbours a thread takes at once.
    fn lanes(&self, width: usize, operands: &[Vec<usize>], inner: &[usize], pairs: bool) -> usize {
        let views = || std::iter::once(self.to).chain(self.reads);
        let widest = views().map(|view| view.dtype.size()).max().unwrap_or(4);
        let fits = |lanes: usize| {
            width.is_multiple_of(lanes)
                && views().zip(operands).zip(inner).all(|((view, strides), &inner)| {
                    let outer = &strides[..strides.len() - 1];
                    inner == 0
                        || inner == 1
                            && view.offset.is_multiple_of(lanes)
                            && outer.iter().all(|stride| stride.is_multiple_of(lanes))
                })
        };
        let least = if pairs { 2 } else { 1 };
        let found =
            [8, 4, 2].into_iter().find(|&lanes| lanes * widest <= 16.max(least * widest) && fits(lanes));
        // Pairs may be loaded one by one; they only have to meet in one thread.
        found.unwrap_or(if pairs { 2 } else { 1 })
    }

    fn code(&self, walk: &Walk, inner: &[usize], shape: Shape) -> Result<String, String> {
        let Shape { width, lanes, threads, each } = shape;
        let kind = name(self.to.dtype);
        let index = Index::Wide;
        let mut text = format!("KERNEL void {}({kind}* __restrict__ to", self.entry());
        for (i, view) in self.reads.iter().enumerate() {
            let _ = write!(text, ", const {}* __restrict__ from{i}", name(view.dtype));
        }
        for i in 0..inner.len() {
            let _ = write!(text, ", i64 inner{i}");
        }
        let row = if walk.moves() { "    const i64 i = blockIdx.x;\n" } else { "" };
        let _ = write!(text, "{}) {{\n{row}", walk.parameters("", index));
        text += &walk.coordinates("", "i", index);
        let _ = writeln!(text, "    to += {};", walk.offset("", 0));
        for i in 0..self.reads.len() {
            let _ = writeln!(text, "    from{i} += {};", walk.offset("", i + 1));
        }
        let _ = writeln!(text, "    float x[{each}][{lanes}];");
        let begin = format!(
            "#pragma unroll\n    for (int step = 0; step < {each}; step++) {{\n        const int first = (step * {threads} + threadIdx.x) * {lanes};\n        if (first >= {width}) continue;\n"
        );
        let lane = format!("#pragma unroll\n        for (int lane = 0; lane < {lanes}; lane++) {{\n");
        let fast = |i: usize| lanes > 1 && inner[i] == 1 && self.whole(i, lanes, walk, inner);
        // Everything that is read of one operand before it is used.
        let load = |i: usize, into: &str| -> String {
            let view = &self.reads[i];
            let element = name(view.dtype);
            match fast(i + 1) {
                true => format!(
                    "        const Pack<{element}, {lanes}> {into} = *(const Pack<{element}, {lanes}>*)(from{i} + first);\n"
                ),
                false => format!(
                    "        Pack<{element}, {lanes}> {into};\n#pragma unroll\n        for (int lane = 0; lane < {lanes}; lane++) {into}.at[lane] = from{i}[(first + lane) * inner{}];\n",
                    i + 1
                ),
            }
        };
        // The row, its mean and its spread.
        text += &begin
            .replace(
                "continue;",
                "{ for (int lane = 0; lane < LANES; lane++) x[step][lane] = 0.0f; continue; }",
            )
            .replace("LANES", &lanes.to_string());
        text += &load(0, "p");
        let _ = writeln!(text, "{lane}            x[step][lane] = to_float(p.at[lane]);\n        }}\n    }}");
        let (eps, centred) = match self.kind {
            Kind::Layer { eps } => (eps, true),
            Kind::Rms { eps } => (eps, false),
        };
        let _ = writeln!(text, "    float square = 0.0f;");
        if centred {
            let _ = writeln!(text, "    float sum = 0.0f;");
            let _ = writeln!(text, "{begin}{lane}            sum += x[step][lane];\n        }}\n    }}");
            let _ = writeln!(text, "    const float mean = block_sum<{threads}>(sum) / {width}.0f;");
            let _ = writeln!(text, "{begin}{lane}            x[step][lane] -= mean;\n        }}\n    }}");
        }
        let _ = writeln!(
            text,
            "{begin}{lane}            square += x[step][lane] * x[step][lane];\n        }}\n    }}"
        );
        let eps = (eps as f32).to_bits();
        let _ = writeln!(
            text,
            "    const float scale = 1.0f / sqrtf(block_sum<{threads}>(square) / {width}.0f + __int_as_float({eps:#x}));"
        );
        self.finish(&mut text, &begin, &lane, &load, shape, fast(0))?;
        text += "}\n";
        Ok(text)
    }

    /// Whether operand `i` of the launch, results first, can be moved `lanes` at a time.
    fn whole(&self, i: usize, lanes: usize, walk: &Walk, inner: &[usize]) -> bool {
        let view = if i == 0 { self.to } else { &self.reads[i - 1] };
        lanes * view.dtype.size() <= 16
            && inner[i] == 1
            && view.offset.is_multiple_of(lanes)
            && walk.strides[i].iter().all(|stride| stride.is_multiple_of(lanes))
    }

    /// Weight and bias, what comes after, and the store.
    fn finish(
        &self,
        text: &mut String,
        begin: &str,
        lane: &str,
        load: &dyn Fn(usize, &str) -> String,
        shape: Shape,
        fast: bool,
    ) -> Result<(), String> {
        let Shape { lanes, width, .. } = shape;
        let kind = name(self.to.dtype);
        let mut normed = String::from("x[step][lane] * scale");
        *text += begin;
        for (i, join) in (1..=self.affine).zip([" *", " +"]) {
            *text += &load(i, &format!("a{i}"));
            normed = format!("{normed}{join} to_float(a{i}.at[lane])");
        }
        let _ = writeln!(*text, "{lane}            x[step][lane] = {normed};\n        }}");
        let store = match fast {
            true => format!("        *(Pack<{kind}, {lanes}>*)(to + first) = out;\n"),
            false => format!(
                "#pragma unroll\n        for (int lane = 0; lane < {lanes}; lane++) to[(first + lane) * inner0] = out.at[lane];\n"
            ),
        };
        let out = format!("        Pack<{kind}, {lanes}> out;\n");
        match &self.after {
            After::Nothing => {
                let _ = writeln!(
                    *text,
                    "{out}{lane}            out.at[lane] = from_float<{kind}>(x[step][lane]);\n        }}\n{store}    }}"
                );
            }
            After::Group { block, operands } => {
                for &i in operands.iter().flatten() {
                    *text += &load(i, &format!("g{i}"));
                }
                let body = Expression::with(block, |position, ty| {
                    match operands.get(position).copied().flatten() {
                        None => "x[step][lane]".into(),
                        Some(i) if ty.is_float() => format!("to_float(g{i}.at[lane])"),
                        Some(i) => format!("(int)g{i}.at[lane]"),
                    }
                })?;
                let body = indent(&indent(&body.store(self.to.dtype)?));
                let _ = writeln!(
                    *text,
                    "{out}{lane}{body}            out.at[lane] = result;\n        }}\n{store}    }}"
                );
            }
            After::Rotary { pairing: Pairing::Interleaved, cos, sin } => {
                *text += &load(*cos, "c");
                *text += &load(*sin, "s");
                let _ = writeln!(
                    *text,
                    "{out}#pragma unroll\n        for (int lane = 0; lane < {lanes}; lane += 2) {{
            const float a = x[step][lane], b = x[step][lane + 1];
            out.at[lane] = from_float<{kind}>(a * c.at[lane] - b * s.at[lane]);
            out.at[lane + 1] = from_float<{kind}>(b * c.at[lane + 1] + a * s.at[lane + 1]);
        }}\n{store}    }}"
                );
            }
            After::Rotary { pairing: Pairing::Halves, cos, sin } => {
                // The other half is in another thread's registers.
                let _ = writeln!(
                    *text,
                    "{lane}            row[first + lane] = x[step][lane];\n        }}\n    }}\n    __syncthreads();"
                );
                *text += begin;
                *text += &load(*cos, "c");
                *text += &load(*sin, "s");
                let half = width / 2;
                let _ = writeln!(
                    *text,
                    "{out}{lane}            const int place = first + lane;
            const float other = place < {half} ? -row[place + {half}] : row[place - {half}];
            out.at[lane] = from_float<{kind}>(x[step][lane] * c.at[lane] + other * s.at[lane]);
        }}\n{store}    }}"
                );
                *text = text.replacen(
                    "    float x[",
                    &format!("    __shared__ float row[{width}];\n    float x["),
                    1,
                );
            }
        }
        Ok(())
    }
}

/// How a row is shared out.
#[derive(Clone, Copy)]
struct Shape {
    width: usize,
    /// Neighbours that a thread takes at once.
    lanes: usize,
    threads: usize,
    /// How often each thread takes some.
    each: usize,
}
