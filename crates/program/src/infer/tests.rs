use super::infer;
use crate::{Activation, Binary, DType, Op, PadMode, Reduce, TensorType};

fn f32(shape: &[usize]) -> TensorType {
    TensorType::new(DType::F32, shape)
}

fn shape(op: Op, operands: &[TensorType]) -> Result<Vec<usize>, String> {
    infer(&op, operands).map(|mut types| types.remove(0).shape)
}

#[test]
fn contractions_check_every_extent() {
    assert_eq!(shape(Op::MatMul, &[f32(&[5, 2, 3]), f32(&[5, 3, 4])]), Ok(vec![5, 2, 4]));
    assert!(shape(Op::MatMul, &[f32(&[5, 2, 3]), f32(&[4, 3, 4])]).is_err());
    let linear = || Op::Linear { activation: Activation::Keep };
    assert_eq!(shape(linear(), &[f32(&[7, 3]), f32(&[4, 3]), f32(&[4])]), Ok(vec![7, 4]));
    assert!(shape(linear(), &[f32(&[7, 3]), f32(&[3, 4])]).unwrap_err().contains("weight for 4"));
    assert!(shape(linear(), &[f32(&[7, 3]), f32(&[4, 3]).with_dtype(DType::F16)]).is_err());
}

#[test]
fn convolutions_take_asymmetric_padding() {
    let conv = |padding| Op::Convolution {
        stride: vec![2, 2],
        padding: vec![padding, padding],
        dilation: vec![1, 1],
        groups: 1,
        mode: PadMode::Zero,
    };
    let operands = [f32(&[1, 3, 8, 8]), f32(&[6, 3, 3, 3])];
    assert_eq!(shape(conv([0, 1]), &operands), Ok(vec![1, 6, 4, 4]));
    assert_eq!(shape(conv([0, 0]), &operands), Ok(vec![1, 6, 3, 3]));
    assert!(
        shape(conv([usize::MAX, usize::MAX]), &operands).is_err(),
        "absurd padding makes an absurd tensor"
    );
}

#[test]
fn ranges_and_axes_are_checked() {
    let x = [f32(&[4, 6])];
    let slice = |end, step| Op::Slice { starts: vec![1, 0], ends: vec![end, 6], steps: vec![step, 1] };
    assert_eq!(shape(slice(4, 2), &x), Ok(vec![2, 6]));
    assert!(shape(slice(5, 1), &x).is_err());
    assert!(shape(slice(4, 0), &x).is_err());
    assert!(shape(Op::Reduce { function: Reduce::Sum, axes: vec![2] }, &x).is_err());
    assert!(shape(Op::Transpose { permutation: vec![0, 0] }, &x).is_err());
    assert!(shape(Op::Reshape { shape: vec![usize::MAX, usize::MAX] }, &x).is_err());
}

#[test]
fn integers_have_arithmetic_but_no_powers() {
    let operands = [TensorType::new(DType::I32, [1]), TensorType::new(DType::I32, [1])];
    assert_eq!(shape(Op::Binary { function: Binary::Add }, &operands), Ok(vec![1]));
    assert!(shape(Op::Binary { function: Binary::Pow }, &operands).is_err());
    assert!(infer(&Op::Constant { value: 0.5, dtype: DType::I32 }, &[]).is_err());
    assert!(infer(&Op::Constant { value: f64::NAN, dtype: DType::F32 }, &[]).is_err());
}

#[test]
fn masks_broadcast_over_batch_heads_and_queries() {
    let x = || f32(&[2, 3, 5, 8]);
    let attend = |mask: &[usize]| shape(Op::Attention { scale: 1.0 }, &[x(), x(), x(), f32(mask)]);
    assert_eq!(attend(&[1, 1, 5, 5]), Ok(vec![2, 3, 5, 8]));
    assert_eq!(attend(&[2, 1, 1, 5]), Ok(vec![2, 3, 5, 8]));
    assert!(attend(&[1, 1, 5, 1]).is_err());
}
