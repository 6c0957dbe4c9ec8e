//! Reading every element once.

use crate::files::{Checkpoint, Dtype};
use crate::{CancelToken, Result};
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Bytes that a thread reads at a time: a multiple of every element's width.
const PIECE: usize = 8 << 20;
/// How often progress is told.
const INTERVAL: Duration = Duration::from_millis(50);

/// What the elements of a tensor are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scan {
    /// NaN and infinities.
    pub(super) not_finite: u64,
    /// The first of them.
    pub(super) first: Option<u64>,
    /// Whether all elements are zero; false of a tensor without elements.
    pub(super) zero: bool,
}

/// A part of a tensor.
struct Piece<'c> {
    tensor: usize,
    dtype: Dtype,
    first_element: u64,
    bytes: &'c [u8],
}

/// Reads all tensors on all processors. `progress` is told how many bytes are read, on this thread.
pub(super) fn all<'c>(
    checkpoint: &'c Checkpoint,
    cancel: &CancelToken,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<(&'c str, Scan)>> {
    let tensors: Vec<_> = checkpoint.names().filter_map(|name| Some((name, checkpoint.get(name)?))).collect();
    let mut pieces = Vec::new();
    for (index, (_, view)) in tensors.iter().enumerate() {
        let width = (view.dtype.bitsize() / 8).max(1) as u64;
        pieces.extend(view.bytes.chunks(PIECE).enumerate().map(|(i, bytes)| Piece {
            tensor: index,
            dtype: view.dtype,
            first_element: (i * PIECE) as u64 / width,
            bytes,
        }));
    }
    let found: Vec<_> = tensors
        .iter()
        .map(|(name, view)| {
            let zero = !view.bytes.is_empty();
            (*name, Mutex::new(Scan { not_finite: 0, first: None, zero }))
        })
        .collect();
    let (next, done, ended) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicUsize::new(0));
    let stop = AtomicBool::new(false);
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let work = || {
        while !stop.load(Ordering::Relaxed)
            && let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed))
        {
            let scan = scan(piece.dtype, piece.bytes);
            if let Some((_, whole)) = found.get(piece.tensor) {
                enter(&mut whole.lock().unwrap_or_else(PoisonError::into_inner), &scan, piece.first_element);
            }
            done.fetch_add(piece.bytes.len() as u64, Ordering::Relaxed);
        }
        ended.fetch_add(1, Ordering::Release);
    };
    let mut pause = Duration::from_micros(50);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
        while ended.load(Ordering::Acquire) < threads {
            progress(done.load(Ordering::Relaxed));
            stop.store(cancel.is_cancelled(), Ordering::Relaxed);
            // Small models are read before the first long pause would end.
            pause = (pause * 2).min(INTERVAL);
            thread::sleep(pause);
        }
    });
    cancel.check()?;
    progress(done.load(Ordering::Relaxed));
    let own = |(name, scan): (&'c str, Mutex<Scan>)| {
        (name, scan.into_inner().unwrap_or_else(PoisonError::into_inner))
    };
    Ok(found.into_iter().map(own).collect())
}

fn enter(whole: &mut Scan, piece: &Scan, first_element: u64) {
    whole.not_finite += piece.not_finite;
    whole.zero &= piece.zero;
    if let Some(first) = piece.first {
        let first = first_element + first;
        whole.first = Some(whole.first.map_or(first, |known| known.min(first)));
    }
}

/// One piece. An element is not finite where all bits of its exponent are set, and zero where all but its sign are not.
fn scan(dtype: Dtype, bytes: &[u8]) -> Scan {
    match dtype {
        Dtype::BF16 => halves(bytes, 0x7F80),
        Dtype::F16 => halves(bytes, 0x7C00),
        Dtype::F32 => singles(bytes, 0x7F80_0000),
        Dtype::F64 => doubles(bytes, 0x7FF0_0000_0000_0000),
        _ => Scan { not_finite: 0, first: None, zero: bytes.iter().all(|byte| *byte == 0) },
    }
}

/// Reads elements as words of one width. Whole blocks are looked at first, without a branch an element, so that gigabytes
/// go through vector instructions; only a block in which something is wrong is looked at again.
macro_rules! floats {
    ($name:ident, $word:ty) => {
        fn $name(bytes: &[u8], exponent: $word) -> Scan {
            const WIDTH: usize = size_of::<$word>();
            let (elements, _) = bytes.as_chunks::<WIDTH>();
            let mut scan = Scan { not_finite: 0, first: None, zero: true };
            for (index, block) in elements.chunks(BLOCK).enumerate() {
                let (mut wrong, mut any): ($word, $word) = (0, 0);
                for element in block {
                    let bits = <$word>::from_le_bytes(*element);
                    wrong |= <$word>::from(bits & exponent == exponent);
                    any |= bits;
                }
                scan.zero &= any << 1 == 0;
                if wrong != 0 {
                    let is_wrong =
                        |element: &&[u8; WIDTH]| <$word>::from_le_bytes(**element) & exponent == exponent;
                    scan.not_finite += block.iter().filter(is_wrong).count() as u64;
                    let first = || block.iter().position(|element| is_wrong(&element));
                    let place = |first: usize| (index * BLOCK + first) as u64;
                    scan.first = scan.first.or_else(|| first().map(place));
                }
            }
            scan
        }
    };
}

/// Elements of a block.
const BLOCK: usize = 4096;

floats!(halves, u16);
floats!(singles, u32);
floats!(doubles, u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_is_counted_in_every_dtype() {
        let values = [0.0, -0.0, 1.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE, 65504.0];
        let expected = Scan { not_finite: 3, first: Some(3), zero: false };
        let bytes =
            |width: &dyn Fn(f32) -> Vec<u8>| values.iter().flat_map(|v| width(*v)).collect::<Vec<u8>>();
        assert_eq!(scan(Dtype::F32, &bytes(&|v| v.to_le_bytes().into())), expected);
        assert_eq!(scan(Dtype::F64, &bytes(&|v| f64::from(v).to_le_bytes().into())), expected);
        assert_eq!(scan(Dtype::BF16, &bytes(&|v| half::bf16::from_f32(v).to_le_bytes().into())), expected);
        assert_eq!(scan(Dtype::F16, &bytes(&|v| half::f16::from_f32(v).to_le_bytes().into())), expected);
    }

    #[test]
    fn zeros_of_either_sign_are_zero() {
        let zeros: Vec<u8> = [0.0f32, -0.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert!(scan(Dtype::F32, &zeros).zero);
        assert!(!scan(Dtype::F32, &1e-40f32.to_le_bytes()).zero);
    }

    #[test]
    fn pieces_join() {
        let mut whole = Scan { not_finite: 0, first: None, zero: true };
        enter(&mut whole, &Scan { not_finite: 1, first: Some(2), zero: false }, 100);
        enter(&mut whole, &Scan { not_finite: 2, first: Some(9), zero: true }, 0);
        assert_eq!(whole, Scan { not_finite: 3, first: Some(9), zero: false });
    }
}
