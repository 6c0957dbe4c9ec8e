//! Products of matrices in any layout, tile by tile in shared memory, accumulated in f32: element by element, or by the
//! instructions of a matrix unit.

use super::elementwise::stored;
use super::pointwise::blocks;
use super::unit::{self, Unit};
use super::walk::{Index, Walk};
use crate::prelude::name;
use crate::{Architecture, Arg, Epilogue, KernelSource, Launch, MatMul, Matrix, View};
use tintype_program::DType;

/// Rows and columns of a block's part of the result, and how much of `k` it takes at once.
const TILE: usize = 64;
const DEPTH: usize = 16;
const THREADS: u32 = 256;
const INDEX: Index = Index::Wide;

/// `d[i] = epilogue(a[i] b[i] + bias)`.
pub fn matmul(op: &MatMul, architecture: &Architecture) -> Result<Launch, String> {
    let strides = |matrix: &Matrix| match matrix.transposed {
        false => [matrix.leading, 1],
        true => [1, matrix.leading],
    };
    let batch = Walk::over(&[op.batch], &[&[op.d.batch], &[op.a.batch], &[op.b.batch]]);
    let matrices = [strides(&op.d), strides(&op.a), strides(&op.b)];
    let product = Product {
        dtype: op.dtype,
        size: [op.m, op.n, op.k],
        matrices,
        batch,
        bias: op.bias,
        epilogue: op.epilogue,
    };
    product.launch(architecture)
}

/// `d = a b` over tensors of matrices.
pub fn general(a: &View, b: &View, d: &View, architecture: &Architecture) -> Result<Launch, String> {
    let axes = d.shape.len().checked_sub(2).ok_or("a matrix has two axes")?;
    let outer = [d, a, b].map(|view| &view.strides[..axes]);
    let batch = Walk::over(&d.shape[..axes], &outer);
    let matrices = [d, a, b].map(|view| [view.strides[axes], view.strides[axes + 1]]);
    let size = [d.shape[axes], d.shape[axes + 1], a.shape[axes + 1]];
    let product = Product { dtype: d.dtype, size, matrices, batch, bias: false, epilogue: Epilogue::None };
    product.launch(architecture)
}

struct Product {
    dtype: DType,
    /// m, n and k.
    size: [usize; 3],
    /// Strides of rows and columns of `d`, `a` and `b`.
    matrices: [[usize; 2]; 3],
    batch: Walk,
    bias: bool,
    epilogue: Epilogue,
}

impl Product {
    fn launch(&self, architecture: &Architecture) -> Result<Launch, String> {
        let unit = Unit::of(architecture, self.dtype);
        let (tile, kernel) = match unit {
            Some(unit) => (unit::TILE, self.by_unit(unit)),
            None => (TILE, self.by_threads()),
        };
        let [m, n, k] = self.size;
        let (tiles_m, tiles_n) = (m.div_ceil(tile), n.div_ceil(tile));
        // Without a bias any address stands in its place; it is not read.
        let bias = if self.bias { Arg::Read(2) } else { Arg::Read(0) };
        let mut args = vec![Arg::Write(0), Arg::Read(0), Arg::Read(1), bias];
        args.extend([m, n, k, tiles_m, tiles_n].map(|value| INDEX.arg(value)));
        args.extend(self.matrices.iter().flatten().map(|&stride| INDEX.arg(stride)));
        args.extend(self.batch.arguments(INDEX));
        let grid = blocks(tiles_m * tiles_n * self.batch.elements())?;
        Ok(Launch { kernel, grid, block: [THREADS, 1, 1], shared: 0, args })
    }

    /// The kernel's name, what it is given, and where a block's part of the result starts: the head of its text.
    fn head(&self, bounds: &str, tile: usize) -> (String, String) {
        let kind = name(self.dtype);
        let entry = match (self.bias, self.epilogue) {
            (false, Epilogue::None) => "matmul",
            (true, Epilogue::None) => "matmul_bias",
            (false, Epilogue::GeluTanh) => "matmul_gelu",
            (true, Epilogue::GeluTanh) => "matmul_bias_gelu",
        };
        let number = if self.batch.moves() { ", batch = blockIdx.x / (tiles_m * tiles_n)" } else { "" };
        let head = format!(
            "KERNEL void {bounds}{entry}({kind}* d, const {kind}* a, const {kind}* b, const {kind}* bias, i64 m, i64 n, i64 k, i64 tiles_m, i64 tiles_n,
    i64 d_row, i64 d_column, i64 a_row, i64 a_column, i64 b_row, i64 b_column{}) {{
    const i64 tile = blockIdx.x % (tiles_m * tiles_n){number};
    const i64 top = tile / tiles_n * {tile}, start = tile % tiles_n * {tile};
{}    d += {};
    a += {};
    b += {};
",
            self.batch.parameters("", INDEX),
            self.batch.coordinates("", "batch", INDEX),
            self.batch.offset("", 0),
            self.batch.offset("", 1),
            self.batch.offset("", 2),
        );
        (entry.into(), head)
    }

    /// Statements that make of `sum`, an element of column `column`, what is stored.
    fn last(&self) -> String {
        let bias = if self.bias { "            sum += to_float(bias[column]);\n" } else { "" };
        let gelu = match self.epilogue {
            Epilogue::None => "",
            Epilogue::GeluTanh => "            sum = gelu_tanh(sum);\n",
        };
        format!(
            "{bias}{gelu}            d[row * d_row + column * d_column] = {};\n",
            stored(self.dtype, "sum")
        )
    }

    /// 4 x 4 elements a thread.
    fn by_threads(&self) -> KernelSource {
        let float = self.dtype.is_float();
        let (value, load) = if float { ("float", "to_float") } else { ("int", "(int)") };
        let add = if float { "acc[i][j] + x[i] * y[j]" } else { "int_add(acc[i][j], int_mul(x[i], y[j]))" };
        let (entry, head) = self.head("", TILE);
        let code = format!(
            "{head}    __shared__ {value} left[{DEPTH}][{TILE} + 4];
    __shared__ {value} right[{DEPTH}][{TILE} + 4];
    const int down = threadIdx.x / 16 * 4, across = threadIdx.x % 16 * 4;
    {value} acc[4][4] = {{}};
    for (i64 at = 0; at < k; at += {DEPTH}) {{
        for (int e = threadIdx.x; e < {DEPTH} * {TILE}; e += {THREADS}) {{
            // Neighbouring threads take neighbours in memory.
            const int r = a_column == 1 ? e / {DEPTH} : e % {TILE}, p = a_column == 1 ? e % {DEPTH} : e / {TILE};
            const i64 row = top + r, depth = at + p;
            left[p][r] = row < m && depth < k ? {load}(a[row * a_row + depth * a_column]) : 0;
            const int c = b_column == 1 ? e % {TILE} : e / {DEPTH}, q = b_column == 1 ? e / {TILE} : e % {DEPTH};
            const i64 column = start + c, inner = at + q;
            right[q][c] = column < n && inner < k ? {load}(b[inner * b_row + column * b_column]) : 0;
        }}
        __syncthreads();
#pragma unroll
        for (int p = 0; p < {DEPTH}; p++) {{
            {value} x[4], y[4];
#pragma unroll
            for (int i = 0; i < 4; i++) {{ x[i] = left[p][down + i]; y[i] = right[p][across + i]; }}
#pragma unroll
            for (int i = 0; i < 4; i++)
#pragma unroll
                for (int j = 0; j < 4; j++) acc[i][j] = {add};
        }}
        __syncthreads();
    }}
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {{
            const i64 row = top + down + i, column = start + across + j;
            if (row >= m || column >= n) continue;
            {value} sum = acc[i][j];
{}        }}
}}
",
            self.last()
        );
        KernelSource { entry, code: code.into() }
    }

    /// 16 x 16 elements an instruction.
    fn by_unit(&self, unit: Unit) -> KernelSource {
        let (entry, head) = self.head(&format!("__launch_bounds__({THREADS}) "), unit::TILE);
        KernelSource { entry, code: unit.text(&head, name(self.dtype), &self.last()).into() }
    }
}
