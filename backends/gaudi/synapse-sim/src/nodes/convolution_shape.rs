//! Extents of a convolution over two or three axes, out of its params and layouts, as one over three.

use std::mem::offset_of;

use super::Call;
use super::support::{need, strides};
use crate::abi::graph_params::{SynConvolution3DParams as P3, SynConvolutionParams as P2};

/// Axes are W, H, D. Sizes and steps in elements are those of W, H, D, C, N and, of weights, S, R, Q, C, K.
pub struct Shape {
    pub kernel: [u64; 3],
    pub stride: [u64; 3],
    pub dilation: [u64; 3],
    /// Before and after.
    pub padding: [[i32; 2]; 3],
    pub groups: u64,
    pub input: [u64; 5],
    pub input_steps: [usize; 5],
    pub weight: [u64; 5],
    pub weight_steps: [usize; 5],
    pub output: [u64; 5],
    pub output_steps: [usize; 5],
}

impl Shape {
    /// The output's extent along an axis.
    pub fn extent(&self, axis: usize) -> Result<u64, String> {
        let (stride, dilation, pads) = (self.stride[axis], self.dilation[axis], self.padding[axis]);
        need(stride > 0 && dilation > 0 && pads.iter().all(|&pad| pad >= 0), || {
            "strides, dilations or pads".into()
        })?;
        let padded = self.input[axis] + pads.iter().map(|&pad| pad as u64).sum::<u64>();
        padded
            .checked_sub(dilation * (self.kernel[axis] - 1) + 1)
            .map(|room| room / stride + 1)
            .ok_or("the kernel is too large".into())
    }
}

pub fn shape(call: &Call) -> Result<Shape, String> {
    let deep = call.base == "spatial_convolution3d";
    // The native layouts; the reference gives those of two axes, and those of three follow them.
    let (picture, weights) = if deep { ("CWHDN", "KCSRQ") } else { ("CWHN", "KCSR") };
    let of = |desc: &super::Desc, layouts: &[String], index: usize, native: &str, wanted: [char; 5]| {
        let layout = layouts.get(index).map(String::as_str).filter(|layout| !layout.is_empty());
        let layout = layout.unwrap_or(native);
        need(desc.rank() == native.len(), || format!("{} dimensions are taken", native.len()))?;
        let steps = strides(&desc.sizes);
        let (mut sizes, mut along) = ([1; 5], [0; 5]);
        for (i, letter) in wanted.into_iter().enumerate().filter(|(i, _)| deep || *i != 2) {
            let dim = layout.find(letter).filter(|_| layout.len() == native.len());
            let dim = dim.ok_or_else(|| format!("layout {layout}"))?;
            (sizes[i], along[i]) = (desc.sizes[dim], steps[dim]);
        }
        Ok::<_, String>((sizes, along))
    };
    let volume = ['W', 'H', 'D', 'C', 'N'];
    let (input, input_steps) = of(call.input(0)?, call.input_layouts, 0, picture, volume)?;
    let (weight, weight_steps) =
        of(call.input(1)?, call.input_layouts, 1, weights, ['S', 'R', 'Q', 'C', 'K'])?;
    let (output, output_steps) = of(call.output(0)?, call.output_layouts, 0, picture, volume)?;
    let u = |offset: usize| u64::from(call.u32(offset));
    let (kernel, stride, dilation, pads, groups) = if deep {
        let three = |offset: usize| [0, 4, 8].map(|at| u(offset + at));
        (
            three(offset_of!(P3, kernel)),
            three(offset_of!(P3, stride)),
            three(offset_of!(P3, dilation)),
            [0, 4, 8, 12, 16, 20].map(|at| call.i32(offset_of!(P3, padding) + at)),
            u(offset_of!(P3, n_groups)),
        )
    } else {
        (
            [u(offset_of!(P2, k_w)), u(offset_of!(P2, k_h)), 1],
            [u(offset_of!(P2, d_w)), u(offset_of!(P2, d_h)), 1],
            [u(offset_of!(P2, dil_w)), u(offset_of!(P2, dil_h)), 1],
            [
                call.i32(offset_of!(P2, pad_l)),
                call.i32(offset_of!(P2, pad_r)),
                call.i32(offset_of!(P2, pad_t)),
                call.i32(offset_of!(P2, pad_b)),
                0,
                0,
            ],
            u(offset_of!(P2, n_groups)),
        )
    };
    let padding = [[pads[0], pads[1]], [pads[2], pads[3]], [pads[4], pads[5]]];
    Ok(Shape {
        kernel,
        stride,
        dilation,
        padding,
        groups,
        input,
        input_steps,
        weight,
        weight_steps,
        output,
        output_steps,
    })
}
