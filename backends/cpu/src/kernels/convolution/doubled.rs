//! Convolution by three taps an axis of a picture that nearest neighbours have made twice as large.
//!
//! Of three neighbours in the doubled picture two are the same element of the picture, so three taps are two: the doubled
//! one's even places see an element's left neighbour and itself, with the second and third tap added up, and its odd places
//! the element and its right neighbour, with the first and second added up. For each of the `2^axes` kinds of place the
//! picture itself is convolved by two taps an axis: four ninths of the products over two axes, and no doubled picture.

use super::grid::Spread;
use super::tile::Kernel;
use super::{Geometry, run, weights};
use crate::level::Level;
use crate::tensor::{Element, View};
use smallvec::SmallVec;
use tintype_program::{DType, PadMode, contiguous_strides};

/// One entry an axis.
type Axes<T> = SmallVec<[T; 4]>;

/// The shape of the weight of one kind of place: two taps an axis.
fn halved(weight: &[usize]) -> Axes<usize> {
    let (channels, axes) = weight.split_at(2);
    channels.iter().copied().chain(axes.iter().map(|_| 2)).collect()
}

/// For each kind of place, whether it is odd along each axis.
fn kinds(axes: usize) -> impl Iterator<Item = Axes<usize>> {
    (0..1usize << axes).map(move |kind| (0..axes).map(|axis| kind >> axis & 1).collect())
}

/// The bytes of a packed weight of `shape`: a multiple of 4.
pub(crate) fn doubled_bytes(level: Level, dtype: DType, shape: &[usize]) -> usize {
    weights::packed_bytes(level, dtype, &halved(shape)) << (shape.len() - 2)
}

/// Packs a weight `[o, c, 3...]` for [`convolution_doubled`] at `level`. Sums of taps are rounded to the weight's dtype.
///
/// # Errors
/// Bytes that are not aligned to 4 bytes, or fewer than [`doubled_bytes`].
pub(crate) fn pack_doubled<T: Element>(level: Level, weight: View<T>, to: &mut [u8]) -> Result<(), String> {
    let shape = halved(weight.shape());
    let strides = contiguous_strides(&shape);
    let axes = shape.len() - 2;
    let taps = 1usize << axes;
    let bytes = weights::packed_bytes(level, T::DTYPE, &shape);
    let mut sums = vec![0f32; shape.iter().product()];
    let mut rounded = vec![T::default(); sums.len()];
    for (kind, to) in kinds(axes).zip(to.chunks_mut(bytes.max(1))) {
        sums.fill(0.0);
        for (row, sums) in sums.chunks_exact_mut(taps).enumerate() {
            let (output, channel) = (row / shape[1], row % shape[1]);
            let from = output * weight.strides()[0] + channel * weight.strides()[1];
            for tap in 0..3usize.pow(axes as u32) {
                let (mut rest, mut at, mut lands) = (tap, from, 0);
                for axis in (0..axes).rev() {
                    let place = rest % 3;
                    rest /= 3;
                    at += place * weight.strides()[axis + 2];
                    lands += (place + 1 - kind[axis]) / 2 * strides[axis + 2];
                }
                sums[lands] += weight.data()[at].to_f32();
            }
        }
        rounded.iter_mut().zip(&sums).for_each(|(to, sum)| *to = T::from_f32(*sum));
        let view = View::new(&rounded, &shape, &strides).ok_or("the weight has no such taps")?;
        weights::pack(level, view, to)?;
    }
    Ok(())
}

/// What `x: [n, c, spatial...]`, doubled along every spatial axis and padded by one, gives with a weight `[o, c, 3...]` of
/// `shape` that [`pack_doubled`] has packed at the same level: `[n, o, 2 * spatial...]`.
///
/// # Errors
/// Packed bytes that are not aligned to 4 bytes, or too few.
pub(crate) fn convolution_doubled<T: Element>(
    level: Level,
    mode: PadMode,
    x: View<T>,
    (shape, packed): (&[usize], &[u8]),
    bias: Option<View<T>>,
    out: &mut [T],
) -> Result<(), String> {
    let kernel = Kernel::new(level, T::DTYPE);
    let packed: &[f32] = bytemuck::try_cast_slice(packed).map_err(|error| error.to_string())?;
    let shape = halved(shape);
    let axes = shape.len() - 2;
    let len = weights::packed_len(kernel, 1, &shape);
    let ones: Axes<usize> = (0..axes).map(|_| 1).collect();
    for (number, kind) in kinds(axes).enumerate() {
        let packed = packed.get(number * len..(number + 1) * len).ok_or("the packed weight is too short")?;
        let padding: Axes<[usize; 2]> = kind.iter().map(|odd| [1 - odd, *odd]).collect();
        let geometry = Geometry { stride: &ones, padding: &padding, dilation: &ones, groups: 1, mode };
        let mut spread = Spread::NONE;
        spread.by.iter_mut().rev().take(axes).for_each(|by| *by = 2);
        spread.phase.iter_mut().rev().zip(kind.iter().rev()).for_each(|(phase, odd)| *phase = *odd);
        if !out.is_empty() {
            run(kernel, &geometry, x, &shape, packed, bias, (&mut *out, spread));
        }
    }
    Ok(())
}
