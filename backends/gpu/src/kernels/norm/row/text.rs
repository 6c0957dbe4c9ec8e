//! The text of a norm's kernel.

use super::super::super::elementwise::Expression;
use super::super::super::pointwise::indent;
use super::super::super::walk::{Index, Walk};
use super::{After, Before, Group, Kind, Row, Share, is_aligned};
use crate::View;
use crate::prelude::name;
use std::fmt::Write;
use tintype_program::Pairing;

/// What the text depends on. Operands of the launch are counted results first.
pub(super) struct Text<'t> {
    pub(super) row: &'t Row<'t>,
    pub(super) views: &'t [&'t View],
    /// Through the rows.
    pub(super) walk: &'t Walk,
    /// The distance between neighbours of a row.
    pub(super) inner: &'t [usize],
    pub(super) share: Share,
    pub(super) index: Index,
}

impl Text<'_> {
    pub(super) fn code(&self) -> Result<String, String> {
        let Share { width, team, each, lanes, rows } = self.share;
        let mut text = self.opening();
        let _ = writeln!(text, "    float x[{each}][{lanes}] = {{}};");
        text += &self.before()?;
        let over =
            |body: &str| format!("{}{}            {body}\n        }}\n    }}\n", self.steps(), self.lane());
        let all = if rows == 1 { "block_sum" } else { "team_sum" };
        let sum = |of: &str| format!("{all}<{team}>({of}) / {width}.0f");
        let (eps, centred) = match self.row.kind {
            Kind::Layer { eps } => (eps, true),
            Kind::Rms { eps } => (eps, false),
        };
        if centred {
            let _ = writeln!(text, "    float total = 0.0f;\n{}", over("total += x[step][lane];"));
            let _ = writeln!(
                text,
                "    const float mean = {};\n{}",
                sum("total"),
                over("x[step][lane] -= mean;")
            );
        }
        let square = over("square += x[step][lane] * x[step][lane];");
        let eps = (eps as f32).to_bits();
        let _ = writeln!(text, "    float square = 0.0f;\n{square}");
        let _ = writeln!(
            text,
            "    const float scale = 1.0f / sqrtf({} + __int_as_float({eps:#x}));",
            sum("square")
        );
        text += &self.after()?;
        text += "}\n";
        Ok(text)
    }

    /// The signature, and where the row lies of each operand.
    fn opening(&self) -> String {
        let Share { team, rows, .. } = self.share;
        let results = self.results();
        let mut text =
            format!("KERNEL void __launch_bounds__({}) {}(", self.share.threads(), self.row.entry());
        for (i, view) in self.views.iter().enumerate() {
            let constant = if i < results { "" } else { "const " };
            let comma = if i == 0 { "" } else { ", " };
            let _ = write!(text, "{comma}{constant}{}* __restrict__ {}", name(view.dtype), self.pointer(i));
        }
        let integer = self.index.name();
        let _ = write!(text, ", {integer} n");
        for i in 0..self.inner.len() {
            let _ = write!(text, ", {integer} inner{i}");
        }
        let _ = writeln!(text, "{}) {{", self.walk.parameters("", self.index));
        if rows == 1 {
            let _ = writeln!(text, "    const int place = threadIdx.x;");
        } else {
            let _ = writeln!(text, "    const int place = threadIdx.x % {team};");
            let _ = writeln!(
                text,
                "    const {integer} own = ({integer})blockIdx.x * {rows} + threadIdx.x / {team};"
            );
        }
        if self.walk.moves() {
            // What is past the last row goes through it once more and writes nothing: all threads meet in the sums.
            let row = if rows == 1 { "blockIdx.x" } else { "own < n ? own : n - 1" };
            let _ = writeln!(text, "    const {integer} row = {row};");
        }
        text += &self.walk.coordinates("", "row", self.index);
        for i in 0..self.views.len() {
            let _ = writeln!(text, "    {} += {};", self.pointer(i), self.walk.offset("", i));
        }
        text
    }

    /// The row's elements, as floats.
    fn before(&self) -> Result<String, String> {
        let Share { lanes, .. } = self.share;
        let (steps, lane) = (self.steps(), self.lane());
        let group = match &self.row.before {
            Before::Operand(operand) => {
                let load = self.load(*operand, "p");
                let body = "            x[step][lane] = to_float(p.at[lane]);\n        }\n    }\n";
                return Ok(format!("{steps}{load}{lane}{body}"));
            }
            Before::Group(group) => group,
        };
        let output = group.block.outputs.first().ok_or("a group has a result")?;
        let dtype = group.block.ty(output.value).dtype;
        let (loads, body) = self.group(group, "b", dtype)?;
        let (kind, kept) = (name(dtype), self.row.kept.is_some());
        let (room, keep, store) = match kept {
            true => {
                let room = format!("        Pack<{kind}, {lanes}> whole;\n");
                (room, "            whole.at[lane] = result;\n", self.store(0, "whole"))
            }
            false => (String::new(), "", String::new()),
        };
        Ok(format!(
            "{steps}{loads}{room}{lane}{body}{keep}            x[step][lane] = to_float(result);\n        }}\n{store}    }}\n"
        ))
    }

    /// Weight and bias, what comes after, and the store.
    fn after(&self) -> Result<String, String> {
        let Share { lanes, width, rows, team, .. } = self.share;
        let last = self.results() - 1;
        let kind = name(self.row.to.dtype);
        let (steps, lane, store) = (self.steps(), self.lane(), self.store(last, "out"));
        let mut text = steps.clone();
        let mut normed = String::from("x[step][lane] * scale");
        for (&i, join) in self.row.affine.iter().zip([" *", " +"]) {
            text += &self.load(i, &format!("a{i}"));
            normed = format!("{normed}{join} to_float(a{i}.at[lane])");
        }
        let _ = writeln!(text, "{lane}            x[step][lane] = {normed};\n        }}");
        let out = format!("        Pack<{kind}, {lanes}> out;\n");
        match &self.row.after {
            After::Nothing => {
                let _ = writeln!(
                    text,
                    "{out}{lane}            out.at[lane] = from_float<{kind}>(x[step][lane]);\n        }}\n{store}    }}"
                );
            }
            After::Group(group) => {
                let (loads, body) = self.group(group, "g", self.row.to.dtype)?;
                let _ = writeln!(
                    text,
                    "{loads}{out}{lane}{body}            out.at[lane] = result;\n        }}\n{store}    }}"
                );
            }
            After::Rotary { pairing: Pairing::Interleaved, cos, sin } => {
                text += &self.load(*cos, "c");
                text += &self.load(*sin, "s");
                let _ = writeln!(
                    text,
                    "{out}#pragma unroll\n        for (int lane = 0; lane < {lanes}; lane += 2) {{
            const float a = x[step][lane], b = x[step][lane + 1];
            out.at[lane] = from_float<{kind}>(a * c.at[lane] - b * s.at[lane]);
            out.at[lane + 1] = from_float<{kind}>(b * c.at[lane + 1] + a * s.at[lane + 1]);
        }}\n{store}    }}"
                );
            }
            After::Rotary { pairing: Pairing::Halves, cos, sin } => {
                // The other half is in another thread's registers.
                let mine = if rows == 1 { String::new() } else { format!("[threadIdx.x / {team}]") };
                let all = if rows == 1 { String::new() } else { format!("[{rows}]") };
                text = format!("    __shared__ float whole{all}[{width}];\n{text}");
                let _ = writeln!(
                    text,
                    "{lane}            whole{mine}[first + lane] = x[step][lane];\n        }}\n    }}\n    __syncthreads();"
                );
                text += &steps;
                text += &self.load(*cos, "c");
                text += &self.load(*sin, "s");
                let half = width / 2;
                let _ = writeln!(
                    text,
                    "{out}{lane}            const int at = first + lane;
            const float other = at < {half} ? -whole{mine}[at + {half}] : whole{mine}[at - {half}];
            out.at[lane] = from_float<{kind}>(x[step][lane] * c.at[lane] + other * s.at[lane]);
        }}\n{store}    }}"
                );
            }
        }
        Ok(text)
    }

    /// Loads of a group's operands, and statements that define `result`.
    fn group(
        &self,
        group: &Group<'_>,
        tag: &str,
        dtype: tintype_program::DType,
    ) -> Result<(String, String), String> {
        let mut read: Vec<usize> = group.operands.iter().copied().flatten().collect();
        read.sort_unstable();
        read.dedup();
        let loads = read.iter().map(|&i| self.load(i, &format!("{tag}{i}"))).collect();
        let body = Expression::with(group.block, |position, ty| {
            match group.operands.get(position).copied().flatten() {
                None => "x[step][lane]".into(),
                Some(i) if ty.is_float() => format!("to_float({tag}{i}.at[lane])"),
                Some(i) => format!("(int){tag}{i}.at[lane]"),
            }
        })?;
        Ok((loads, indent(&indent(&body.store(dtype)?))))
    }

    fn results(&self) -> usize {
        self.views.len() - self.row.reads.len()
    }

    /// What operand `i` of the launch is called.
    fn pointer(&self, i: usize) -> String {
        match i.checked_sub(self.results()) {
            Some(read) => format!("from{read}"),
            None => format!("to{i}"),
        }
    }

    /// The start of a loop over what a thread takes of a row.
    fn steps(&self) -> String {
        let Share { width, team, each, lanes, .. } = self.share;
        let skip = match self.share.is_full() {
            true => String::new(),
            false => format!("        if (first >= {width}) continue;\n"),
        };
        format!(
            "#pragma unroll\n    for (int step = 0; step < {each}; step++) {{\n        const int first = (step * {team} + place) * {lanes};\n        (void)first;\n{skip}"
        )
    }

    /// The start of a loop over what it takes at once.
    fn lane(&self) -> String {
        format!("#pragma unroll\n        for (int lane = 0; lane < {}; lane++) {{\n", self.share.lanes)
    }

    /// Whether operand `i` of the launch is moved as a whole.
    fn is_fast(&self, i: usize) -> bool {
        self.share.lanes > 1
            && is_aligned(self.views[i], self.share.lanes, &self.walk.strides[i], self.inner[i])
    }

    /// Everything that a thread reads at once of operand `read`, before it is used.
    fn load(&self, read: usize, into: &str) -> String {
        let (i, lanes) = (read + self.results(), self.share.lanes);
        let pack = format!("Pack<{}, {lanes}>", name(self.views[i].dtype));
        let from = self.pointer(i);
        match self.is_fast(i) {
            true => format!("        const {pack} {into} = *(const {pack}*)({from} + first);\n"),
            false => format!(
                "        {pack} {into};\n{}            {into}.at[lane] = {from}[(first + lane) * inner{i}];\n        }}\n",
                self.lane()
            ),
        }
    }

    /// The store of a pack to result `i`.
    fn store(&self, i: usize, pack: &str) -> String {
        let (to, lanes, kind) = (self.pointer(i), self.share.lanes, name(self.views[i].dtype));
        let guard = if self.share.rows == 1 { "" } else { "if (own < n) " };
        match self.is_fast(i) {
            true => format!("        {guard}*(Pack<{kind}, {lanes}>*)({to} + first) = {pack};\n"),
            false => format!(
                "{}            {guard}{to}[(first + lane) * inner{i}] = {pack}.at[lane];\n        }}\n",
                self.lane()
            ),
        }
    }
}
