//! Casts by way of f64, which a group's casts are held against.

use crate::kernels::convert::narrow;
use crate::kernels::copy::copy;
use crate::tensor::{AnySlice, AnyView, Element, View};
use half::{bf16, f16};

/// Converts the elements of `x`: to nearest, ties to even; floating point to integer truncates and saturates.
pub fn cast(x: AnyView, out: AnySlice) {
    match out {
        AnySlice::F32(out) => cast_to(x, out, |v| v as f32),
        AnySlice::Bf16(out) => cast_to(x, out, |v| Element::from_f32(narrow(v))),
        AnySlice::F16(out) => cast_to(x, out, |v| Element::from_f32(narrow(v))),
        AnySlice::I32(out) => cast_to(x, out, |v| v as i32),
        AnySlice::U8(out) => cast_to(x, out, |v| v as u8),
    }
}

/// Casts by way of f64, which holds every element of every type.
fn cast_to<E: Element>(x: AnyView, out: &mut [E], from: impl Fn(f64) -> E) {
    match x {
        AnyView::F32(x) => map(x, out, |v| from(f64::from(v))),
        AnyView::Bf16(x) => map(x, out, |v| from(v.to_f64())),
        AnyView::F16(x) => map(x, out, |v| from(v.to_f64())),
        AnyView::I32(x) => map(x, out, |v| from(f64::from(v))),
        AnyView::U8(x) => map(x, out, |v| from(f64::from(v))),
    }
}

fn map<A: Element, B: Element>(x: View<A>, out: &mut [B], convert: impl Fn(A) -> B) {
    let mut elements = vec![A::default(); out.len()];
    copy(x, &mut elements);
    out.iter_mut().zip(elements).for_each(|(to, from)| *to = convert(from));
}

#[test]
fn casts_truncate_saturate_and_round_once() {
    let shape = [7];
    let floats = [1.9f32, -1.9, 3e9, -3e9, f32::NAN, 300.0, -0.5];
    let view = |data| AnyView::F32(View::new(data, &shape, &[1]).unwrap());
    let (mut whole, mut bytes) = ([0i32; 7], [0u8; 7]);
    cast(view(&floats), AnySlice::I32(&mut whole));
    cast(view(&floats), AnySlice::U8(&mut bytes));
    assert_eq!(whole, [1, -1, i32::MAX, i32::MIN, 0, 300, 0]);
    assert_eq!(bytes, [1, 0, 255, 0, 0, 255, 0]);

    // By way of f32 the first would round to the tie, and that to the even neighbour below.
    let integers = [16_842_753 + (1 << 24), 16_777_217, i32::MAX, i32::MIN, 2049, -3, 0];
    let integers_view = AnyView::I32(View::new(&integers, &shape, &[1]).unwrap());
    let (mut exact, mut narrow, mut half) = ([0i32; 7], [bf16::ZERO; 7], [f16::ZERO; 7]);
    cast(integers_view, AnySlice::I32(&mut exact));
    cast(integers_view, AnySlice::Bf16(&mut narrow));
    cast(integers_view, AnySlice::F16(&mut half));
    assert_eq!(exact, integers);
    for (value, narrow) in integers.iter().zip(narrow) {
        let (value, distance) = (f64::from(*value), |x: bf16| (x.to_f64() - f64::from(*value)).abs());
        let neighbours =
            [bf16::from_bits(narrow.to_bits() + 1), bf16::from_bits(narrow.to_bits().saturating_sub(1))];
        assert!(
            value == 0.0 || neighbours.iter().all(|n| distance(narrow) <= distance(*n)),
            "{value} {narrow}"
        );
    }
    assert_eq!(half[4].to_f32(), 2048.0);
    assert_eq!(half[2], f16::INFINITY);
}
