//! What nodes are told, byte by byte as the interface lays it out (x86-64, little-endian).

use crate::options::AttentionKind;

/// `SdpaSoftmaxMode`: the fast one.
const HF8_1C: u32 = 2;

/// The bytes of a params struct; none where a node takes none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(pub(crate) Vec<u8>);

impl Params {
    fn of(size: usize) -> Self {
        Self(vec![0; size])
    }

    fn put(mut self, offset: usize, bytes: &[u8]) -> Self {
        if let Some(place) = self.0.get_mut(offset..offset + bytes.len()) {
            place.copy_from_slice(bytes);
        }
        self
    }

    fn u32(self, offset: usize, value: u32) -> Self {
        self.put(offset, &value.to_le_bytes())
    }

    fn i32(self, offset: usize, value: i32) -> Self {
        self.put(offset, &value.to_le_bytes())
    }

    fn f32(self, offset: usize, value: f32) -> Self {
        self.put(offset, &value.to_le_bytes())
    }

    fn u64(self, offset: usize, value: u64) -> Self {
        self.put(offset, &value.to_le_bytes())
    }

    fn u32s(self, offset: usize, values: impl IntoIterator<Item = u32>) -> Self {
        values.into_iter().enumerate().fold(self, |params, (i, value)| params.u32(offset + 4 * i, value))
    }

    fn u64s(self, offset: usize, values: impl IntoIterator<Item = u64>) -> Self {
        values.into_iter().enumerate().fold(self, |params, (i, value)| params.u64(offset + 8 * i, value))
    }

    /// `synGEMMParams`.
    pub(crate) fn gemm(transpose_a: bool, transpose_b: bool) -> Self {
        Self(vec![u8::from(transpose_a), u8::from(transpose_b)])
    }

    /// `synTransposeParams`: axis `i` of the result is axis `permutation[i]` of the operand, innermost first.
    pub(crate) fn transpose(permutation: &[u32]) -> Self {
        Self::of(24).u32s(0, permutation.iter().copied()).u32(20, permutation.len() as u32)
    }

    /// `synAxisParams` and the like: one number.
    pub(crate) fn axis(axis: u32) -> Self {
        Self::of(4).u32(0, axis)
    }

    /// `synSliceParamsV2`: of every axis, innermost first.
    pub(crate) fn slice(starts: &[u64], ends: &[u64], steps: &[u64]) -> Self {
        Self::of(704)
            .u32s(0, 0..starts.len() as u32)
            .u64s(104, starts.iter().copied())
            .u64s(304, ends.iter().copied())
            .u64s(504, steps.iter().copied())
    }

    /// `ns_CastKernel::Params`: to nearest, ties to even; or towards zero.
    pub(crate) fn cast(towards_zero: bool) -> Self {
        Self::of(4).i32(0, if towards_zero { 4 } else { 0 })
    }

    /// `ns_ConstantKernel::Params` of a floating-point number.
    pub(crate) fn float(value: f32) -> Self {
        Self::of(4).f32(0, value)
    }

    /// `ns_ConstantKernel::Params` of an integer.
    pub(crate) fn integer(value: i32) -> Self {
        Self::of(4).i32(0, value)
    }

    /// `ns_GeluKernel::Params`.
    pub(crate) fn gelu(approximation: bool) -> Self {
        Self(vec![u8::from(approximation)])
    }

    /// `ns_LayerNormKernel::Params`.
    pub(crate) fn layer_norm(eps: f32) -> Self {
        Self::of(8).put(0, &[1]).f32(4, eps)
    }

    /// `ns_LayerNormKernel::ParamsRmsNorm`, without fast arithmetic.
    pub(crate) fn rms_norm(eps: f32) -> Self {
        Self::of(24).put(0, &[1]).f32(4, eps)
    }

    /// `ns_NativeGroupNorm::Params`.
    pub(crate) fn group_norm(batch: u32, groups: u32, eps: f32) -> Self {
        Self::of(12).u32(0, batch).u32(4, groups).f32(8, eps)
    }

    /// `ns_RoPESt2::ParamsV2`: no offset; pairs of neighbours, or of elements half a head apart.
    pub(crate) fn rotary(neighbours: bool) -> Self {
        Self::of(8).i32(4, i32::from(neighbours))
    }

    /// `ns_Sdpa::ParamsV3`: no dropout, not causal. The node that keeps its probabilities is not told that it infers: it
    /// hands them back for training.
    pub(crate) fn attention(scale: f32, kind: AttentionKind) -> Self {
        let inference = kind != AttentionKind::Retained;
        let softmax = if kind == AttentionKind::Fast { HF8_1C } else { 0 };
        Self::of(32).f32(0, scale).put(20, &[u8::from(inference)]).u32(24, softmax)
    }

    /// `synConvolutionParams`. Extents are width, height; padding is left, right, top, bottom.
    pub(crate) fn convolution(
        kernel: [u32; 2],
        stride: [u32; 2],
        padding: [i32; 4],
        dilation: [u32; 2],
        groups: u32,
    ) -> Self {
        let params = Self::of(72).u32s(0, kernel).u32s(8, stride).u32s(32, dilation).u32(64, groups);
        padding.into_iter().enumerate().fold(params, |params, (i, pad)| params.i32(16 + 4 * i, pad))
    }

    /// `synConvolution3DParams`. Extents are width, height, depth; padding is left, right, top, bottom, front, back.
    pub(crate) fn convolution_3d(
        kernel: [u32; 3],
        stride: [u32; 3],
        padding: [i32; 6],
        dilation: [u32; 3],
        groups: u32,
    ) -> Self {
        let params = Self::of(96).u32s(0, kernel).u32s(12, stride).u32s(48, dilation).u32(88, groups);
        padding.into_iter().enumerate().fold(params, |params, (i, pad)| params.i32(24 + 4 * i, pad))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn params_lie_where_the_interface_has_them() {
        assert_eq!(Params::transpose(&[1, 0, 2]).0[20], 3);
        let slice = Params::slice(&[1, 2], &[3, 4], &[1, 9]).0;
        assert_eq!(
            (slice.len(), slice[4], slice[104], slice[112], slice[312], slice[512]),
            (704, 1, 1, 2, 4, 9)
        );
        let conv = Params::convolution([3, 5], [1, 2], [4, 6, 7, 8], [9, 10], 11).0;
        assert_eq!(
            [conv[0], conv[4], conv[12], conv[16], conv[28], conv[36], conv[64]],
            [3, 5, 2, 4, 8, 10, 11]
        );
        let conv = Params::convolution_3d([1, 2, 3], [4, 5, 6], [7; 6], [8, 9, 10], 11).0;
        assert_eq!([conv[8], conv[12], conv[24], conv[44], conv[56], conv[88]], [3, 4, 7, 7, 10, 11]);
        let told = |kind| {
            let params = Params::attention(0.5, kind).0;
            assert_eq!((&params[..4], params.len()), (&0.5f32.to_le_bytes()[..], 32));
            (params[20], params[24])
        };
        assert_eq!(told(AttentionKind::Fused), (1, 0));
        assert_eq!(told(AttentionKind::Fast), (1, 2));
        assert_eq!(told(AttentionKind::Retained), (0, 0));
    }
}
