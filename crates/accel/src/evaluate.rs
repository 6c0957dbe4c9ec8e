//! Evaluating a parameter's source on the host.

use crate::encode::encode_stored;
use crate::{HostBytes, HostTensor, ParamSlot, TensorSource};
use tintype_program::{DType, Encoding, Source};

/// Why a source could not be evaluated.
pub(crate) enum Failure {
    /// The checkpoint has no tensor of this name.
    Missing(String),
    /// A tensor does not fit, with its name where one is at fault.
    Unfit(Option<String>, String),
}

/// The bytes of a parameter, encoded as it says. A plain tensor that the checkpoint holds in the right dtype is handed
/// on as it is, without a copy.
pub(crate) fn evaluate(param: &ParamSlot, checkpoint: &dyn TensorSource) -> Result<HostBytes, Failure> {
    let (encoding, source) = match &param.source {
        Source::Quantize { encoding, of } => (encoding, of.as_ref()),
        other => (&Encoding::Plain, other),
    };
    if *encoding != param.encoding {
        return Err(Failure::Unfit(
            None,
            format!("its source gives {encoding:?}, it is declared {:?}", param.encoding),
        ));
    }
    // What is encoded is rounded once, from what the checkpoint has.
    let dtype = encoding.is_plain().then_some(param.ty.dtype);
    let tensor = match source {
        Source::Zeros => zeros(dtype.unwrap_or(DType::F32), &param.ty.shape),
        source => tensor(source, dtype, checkpoint)?,
    };
    if tensor.shape != param.ty.shape {
        let name = match source {
            Source::Load { name } => Some(name.clone()),
            _ => None,
        };
        let reason = format!("it has shape {:?}; the model wants {:?}", tensor.shape, param.ty.shape);
        return Err(Failure::Unfit(name, reason));
    }
    if encoding.is_plain() {
        return Ok(tensor.bytes);
    }
    let encoded = encode_stored(tensor.dtype, tensor.bytes.as_slice(), &param.ty, encoding);
    encoded.map(HostBytes::from).map_err(|reason| Failure::Unfit(None, reason))
}

fn zeros(dtype: DType, shape: &[usize]) -> HostTensor {
    let bytes = shape.iter().product::<usize>() * dtype.size();
    HostTensor { dtype, shape: shape.into(), bytes: vec![0; bytes].into() }
}

/// What a source makes: of a dtype, or where none is wanted as the checkpoint has it.
fn tensor(
    source: &Source,
    dtype: Option<DType>,
    checkpoint: &dyn TensorSource,
) -> Result<HostTensor, Failure> {
    let unfit = |reason: String| Failure::Unfit(None, reason);
    match source {
        Source::Load { name } => {
            let named = |reason| Failure::Unfit(Some(name.clone()), reason);
            let found = checkpoint.get(name).map_err(named)?.ok_or_else(|| Failure::Missing(name.clone()))?;
            let wanted = found.shape.iter().product::<usize>() * found.dtype.size();
            if found.bytes.len() != wanted {
                return Err(named(format!("it holds {} bytes; its shape wants {wanted}", found.bytes.len())));
            }
            match dtype {
                None if found.dtype.is_float() => Ok(found),
                _ => found.cast(dtype.unwrap_or(DType::F32)).map_err(named),
            }
        }
        Source::Zeros => Err(unfit("zeros within another source have no shape".into())),
        Source::Quantize { .. } => Err(unfit("only a whole parameter is quantized".into())),
        Source::Concat { axis, parts } => {
            let parts: Result<Vec<_>, _> = parts.iter().map(|part| tensor(part, dtype, checkpoint)).collect();
            let mut parts = parts?;
            if parts.windows(2).any(|pair| pair[0].dtype != pair[1].dtype) {
                // Every dtype of a checkpoint is a part of this one.
                let widened = parts.iter().map(|part| part.cast(DType::F32)).collect::<Result<_, _>>();
                parts = widened.map_err(unfit)?;
            }
            concat(&parts, *axis).map_err(unfit)
        }
        Source::Slice { axis, start, end, of } => {
            slice(&tensor(of, dtype, checkpoint)?, *axis, *start, *end).map_err(unfit)
        }
        Source::Reshape { shape, of } => {
            let of = tensor(of, dtype, checkpoint)?;
            let elements = shape.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent));
            if elements != Some(of.shape.iter().product()) {
                return Err(unfit(format!("shape {:?} does not reshape to {shape:?}", of.shape)));
            }
            Ok(HostTensor { shape: shape.clone(), ..of })
        }
    }
}

/// Rows of bytes: how many, and how long each is, when a tensor is cut before `axis`.
fn rows(tensor: &HostTensor, axis: usize) -> (usize, usize) {
    let outer: usize = tensor.shape[..axis].iter().product();
    let inner: usize = tensor.shape[axis..].iter().product();
    (outer, inner * tensor.dtype.size())
}

fn concat(parts: &[HostTensor], axis: usize) -> Result<HostTensor, String> {
    let first = parts.first().ok_or("a concat of nothing")?;
    let mut shape = first.shape.clone();
    let mut extent = 0;
    for part in parts {
        let same = part.shape.len() == shape.len()
            && (0..shape.len()).all(|i| i == axis || part.shape[i] == shape[i]);
        if !same || axis >= shape.len() {
            return Err(format!(
                "shapes {:?} and {:?} do not join along axis {axis}",
                first.shape, part.shape
            ));
        }
        extent += part.shape[axis];
    }
    shape[axis] = extent;
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.bytes.len()).sum());
    for row in 0..rows(first, axis).0 {
        for part in parts {
            let length = rows(part, axis).1;
            bytes.extend_from_slice(&part.bytes.as_slice()[row * length..(row + 1) * length]);
        }
    }
    Ok(HostTensor { dtype: first.dtype, shape, bytes: bytes.into() })
}

fn slice(of: &HostTensor, axis: usize, start: usize, end: usize) -> Result<HostTensor, String> {
    if of.shape.get(axis).is_none_or(|&extent| end > extent || start > end) {
        return Err(format!("range {start}..{end} does not fit axis {axis} of {:?}", of.shape));
    }
    let (outer, length) = rows(of, axis);
    let step = length.checked_div(of.shape[axis]).unwrap_or(0);
    let mut bytes = Vec::with_capacity(outer * step * (end - start));
    for row in 0..outer {
        bytes.extend_from_slice(&of.bytes.as_slice()[row * length + start * step..row * length + end * step]);
    }
    let mut shape = of.shape.clone();
    shape[axis] = end - start;
    Ok(HostTensor { dtype: of.dtype, shape, bytes: bytes.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::decode;
    use tintype_program::{Fp8Format, ScaleGranularity, TensorType};

    fn tensor_of(shape: &[usize]) -> HostTensor {
        let values: Vec<f32> = (0..shape.iter().product::<usize>()).map(|i| i as f32).collect();
        HostTensor::from_f32(shape, &values)
    }

    struct Two([HostTensor; 2]);

    impl TensorSource for Two {
        fn origin(&self) -> String {
            "two tensors".into()
        }

        fn names(&self) -> Vec<String> {
            vec!["0".into(), "1".into()]
        }

        fn get(&self, name: &str) -> Result<Option<HostTensor>, String> {
            Ok(name.parse::<usize>().ok().and_then(|index| self.0.get(index)).cloned())
        }
    }

    #[test]
    fn parts_of_several_dtypes_are_quantized_as_they_are() {
        let tensors = [(DType::Bf16, 1.0), (DType::F32, 1.0 + 1.0 / 4096.0)]
            .map(|(dtype, value)| HostTensor::from_f32([1, 32], &[value; 32]).cast(dtype).unwrap());
        let ty = TensorType::new(DType::Bf16, [2, 32]);
        let parts = ["0", "1"].map(|name| Source::Load { name: name.into() }).into();
        let encoding = Encoding::Fp8 { format: Fp8Format::E4m3, scales: ScaleGranularity::Row };
        let of = Box::new(Source::Concat { axis: 0, parts });
        let source = Source::Quantize { encoding: encoding.clone(), of };
        let slot =
            ParamSlot { name: "w".into(), ty: ty.clone(), encoding: encoding.clone(), source, within: None };
        let bytes = evaluate(&slot, &Two(tensors)).unwrap_or_else(|_| panic!("it cannot be evaluated"));
        let decoded = decode(bytes.as_slice(), &ty, &encoding).unwrap();
        // The scale of the second row is of a number that bf16 does not have.
        assert_eq!((decoded[0], decoded[32]), (1.0, 1.0 + 1.0 / 4096.0));
    }

    #[test]
    fn slices_undo_concats() {
        let (a, b) = (tensor_of(&[2, 3, 2]), tensor_of(&[2, 1, 2]));
        let joined = concat(&[a.clone(), b.clone()], 1).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(joined.shape, [2, 4, 2]);
        let cut = slice(&joined, 1, 0, 3).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(cut.bytes.as_slice(), a.bytes.as_slice());
        let cut = slice(&joined, 1, 3, 4).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(cut.bytes.as_slice(), b.bytes.as_slice());
        assert!(concat(&[a, b], 0).is_err());
    }
}
