//! Convolution over one to three spatial axes, from its definition.

use super::layout::unpadded;
use super::tensor::{Tensor, for_each_index};
use tintype_program::PadMode;

/// The attributes of [`tintype_program::Op::Convolution`].
pub(super) struct Convolution<'a> {
    pub stride: &'a [usize],
    pub padding: &'a [[usize; 2]],
    pub dilation: &'a [usize],
    pub groups: usize,
    pub mode: PadMode,
}

impl Convolution<'_> {
    pub(super) fn apply(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
        let mut shape = vec![x.shape[0], weight.shape[0]];
        for axis in 0..self.stride.len() {
            let padded = x.shape[axis + 2] + self.padding[axis][0] + self.padding[axis][1];
            let reach = (weight.shape[axis + 2] - 1) * self.dilation[axis] + 1;
            shape.push((padded - reach) / self.stride[axis] + 1);
        }
        let (inputs_each, outputs_each) = (weight.shape[1], weight.shape[0] / self.groups);
        Tensor::from_fn(&shape, |index| {
            let (batch, output, position) = (index[0], index[1], &index[2..]);
            let first_channel = output / outputs_each * inputs_each;
            let mut sum = bias.map_or(0.0, |bias| bias.data[output]);
            for_each_index(&weight.shape[1..], |tap| {
                let (channel, kernel) = (tap[0], &tap[1..]);
                let mut from = vec![batch, first_channel + channel];
                for axis in 0..position.len() {
                    let padded = position[axis] * self.stride[axis] + kernel[axis] * self.dilation[axis];
                    match unpadded(padded, self.padding[axis][0], x.shape[axis + 2], self.mode) {
                        Some(i) => from.push(i),
                        None => return,
                    }
                }
                sum += x.at(&from) * weight.at(&[&[output], tap].concat());
            });
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_slides_over_the_padded_input() {
        let x = Tensor::new([1, 1, 3], [1., 2., 3.]).unwrap();
        let w = Tensor::new([1, 1, 2], [10., 1.]).unwrap();
        let conv = |padding, mode| Convolution { stride: &[1], padding, dilation: &[1], groups: 1, mode };
        assert_eq!(conv(&[[0, 0]], PadMode::Zero).apply(&x, &w, None).data, [12., 23.]);
        assert_eq!(conv(&[[1, 0]], PadMode::Zero).apply(&x, &w, None).data, [1., 12., 23.]);
        assert_eq!(conv(&[[0, 2]], PadMode::Replicate).apply(&x, &w, None).data, [12., 23., 33., 33.]);
    }

    #[test]
    fn groups_see_only_their_channels() {
        let x = Tensor::new([1, 2, 1], [3., 5.]).unwrap();
        let w = Tensor::new([2, 1, 1], [10., 100.]).unwrap();
        let conv =
            Convolution { stride: &[1], padding: &[[0, 0]], dilation: &[1], groups: 2, mode: PadMode::Zero };
        assert_eq!(conv.apply(&x, &w, None).data, [30., 500.]);
    }
}
