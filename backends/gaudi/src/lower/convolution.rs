//! Convolutions over one to three axes, on tensors as they lie: the order of dimensions is declared.

use super::builder::{Builder, Laid};
use super::movement;
use crate::graph::{Home, Layouts, Params};
use tintype_program::{PadMode, TensorType};

/// A convolution's attributes.
pub(super) struct Shape<'a> {
    pub(super) stride: &'a [usize],
    pub(super) padding: &'a [[usize; 2]],
    pub(super) dilation: &'a [usize],
    pub(super) groups: usize,
    pub(super) mode: PadMode,
}

pub(super) fn convolution(
    b: &mut Builder,
    shape: &Shape<'_>,
    x: &[Laid],
    types: &[TensorType],
    to: &TensorType,
) -> Result<Laid, String> {
    let mut operand = x[0].clone();
    let mut ty = types[0].clone();
    let mut padding = shape.padding.to_vec();
    if ty.elements() == 0 || types[1].elements() == 0 {
        return Err("a convolution of nothing to something".into());
    }
    if shape.mode == PadMode::Replicate && padding.iter().any(|ends| *ends != [0, 0]) {
        let ends = |end: usize| [0, 0].into_iter().chain(padding.iter().map(move |ends| ends[end])).collect();
        let (before, after): (Vec<usize>, Vec<usize>) = (ends(0), ends(1));
        operand = movement::pad(b, &before, &after, PadMode::Replicate, &operand, &ty)?;
        (0..ty.rank()).for_each(|i| ty.shape[i] += before[i] + after[i]);
        padding.fill([0, 0]);
    }
    // One axis is the width of a picture one pixel high.
    let high = |shape: &[usize]| match shape {
        &[n, c, w] => vec![n, c, 1, w],
        shape => shape.to_vec(),
    };
    let mut spatial: Vec<Axis> = (0..padding.len())
        .map(|i| Axis {
            kernel: types[1].shape[i + 2] as u32,
            stride: shape.stride[i] as u32,
            dilation: shape.dilation[i] as u32,
            padding: padding[i].map(|pad| pad as i32),
        })
        .collect();
    if spatial.len() == 1 {
        spatial.insert(0, Axis { kernel: 1, stride: 1, dilation: 1, padding: [0, 0] });
    }
    let groups = shape.groups as u32;
    let (guid, params, data, weights) = match spatial[..] {
        [h, w] => {
            let params = Params::convolution(
                [w.kernel, h.kernel],
                [w.stride, h.stride],
                [w.padding[0], w.padding[1], h.padding[0], h.padding[1]],
                [w.dilation, h.dilation],
                groups,
            );
            ("spatial_convolution", params, "WHCN", "SRCK")
        }
        [d, h, w] => {
            let pads = [w, h, d].map(|axis| axis.padding).concat();
            let params = Params::convolution_3d(
                [w.kernel, h.kernel, d.kernel],
                [w.stride, h.stride, d.stride],
                pads.try_into().map_err(|_| "three axes have six ends")?,
                [w.dilation, h.dilation, d.dilation],
                groups,
            );
            ("spatial_convolution3d", params, "WHDCN", "SRQCK")
        }
        _ => return Err("it has more than three spatial axes".into()),
    };
    let picture = b.read(&operand, &high(&ty.shape), ty.dtype)?;
    let weight = b.read(&x[1], &high(&types[1].shape), types[1].dtype)?;
    let mut inputs = vec![Some(picture), Some(weight)];
    let mut layouts = Layouts { inputs: vec![data, weights], outputs: vec![data] };
    if let (Some(bias), Some(ty)) = (x.get(2), types.get(2)) {
        inputs.push(Some(b.read(bias, &ty.shape, ty.dtype)?));
        layouts.inputs.push("");
    }
    let result = b.tensor(to.dtype, &high(&to.shape), Home::Workspace);
    b.push(guid, inputs, vec![result], params, Some(layouts));
    Ok(Laid::Tensor(result))
}

#[derive(Clone, Copy)]
struct Axis {
    kernel: u32,
    stride: u32,
    dilation: u32,
    padding: [i32; 2],
}
