use super::support::{LIES, Tensor, extent, few, index, on};
use crate::kernels::{copy, gather, layout};
use crate::tensor::{Element, View};
use half::{bf16, f16};
use tintype_program::PadMode;

/// Holds every element of a result against the element that `from` names; `None` stands for zero.
fn moved<T: Element + PartialEq + std::fmt::Debug>(
    shape: &[usize],
    run: impl FnOnce(&mut [T]) + Send,
    from: impl Fn(&[usize]) -> Option<T>,
) {
    let mut out = vec![T::from_f32(77.0); shape.iter().product()];
    on(extent(2, 1), || run(&mut out));
    for (i, actual) in out.iter().enumerate().step_by(extent(1, 37)) {
        let at = index(i, shape);
        assert_eq!(*actual, from(&at).unwrap_or_default(), "{at:?} of {shape:?}");
    }
}

fn all<T: Element + PartialEq + std::fmt::Debug>() {
    for lie in LIES.into_iter().take(few(4, 2)) {
        let [a, b, c] = [extent(3, 2), extent(4, 2), extent(7, 3)];
        let shape = [a, 1, 5, b, c];
        let x = Tensor::<T>::random(1, &shape, lie);
        moved(&shape, |out| copy::copy(x.view(), out), |at| Some(x.get(at)));
        let shape = [extent(130, 33), extent(301, 34)];
        let large = Tensor::<T>::random(1, &shape, lie);
        moved(&shape, |out| copy::copy(large.view(), out), |at| Some(large.get(at)));

        let indices = Tensor::from(&[2, 3], vec![0, 4, -3, 99, 2, i32::MIN]);
        let expected = |at: &[usize]| {
            let index = indices.get(&at[2..4]).clamp(0, 4) as usize;
            Some(x.get(&[at[0], at[1], index, at[4], at[5]]))
        };
        moved(&[a, 1, 2, 3, b, c], |out| gather::gather(2, x.view(), indices.view(), out), expected);

        let [a, b, c] = [2, 0, 5].map(|n| Tensor::<T>::random(n as u64, &[3, n, 4], lie));
        let expected = |at: &[usize]| {
            let [i, j, k] = [at[0], at[1], at[2]];
            Some(if j < 2 { a.get(&[i, j, k]) } else { c.get(&[i, j - 2, k]) })
        };
        moved(&[3, 7, 4], |out| layout::concat(1, &[a.view(), b.view(), c.view()], out), expected);
        let d = Tensor::<T>::random(8, &[1, 2, 4], lie);
        let expected = |at: &[usize]| Some(if at[0] < 3 { a.get(at) } else { d.get(&[0, at[1], at[2]]) });
        moved(&[4, 2, 4], |out| layout::concat(0, &[a.view(), d.view()], out), expected);

        let x = Tensor::<T>::random(1, &[2, 3, 4], lie);
        for mode in [PadMode::Zero, PadMode::Replicate] {
            let (before, after) = ([1, 0, 2], [0, 2, 1]);
            let expected = |at: &[usize]| {
                let place = |i: usize| at[i] as isize - before[i] as isize;
                let inside = (0..3).all(|i| (0..x.shape[i] as isize).contains(&place(i)));
                let near: Vec<usize> =
                    (0..3).map(|i| place(i).clamp(0, x.shape[i] as isize - 1) as usize).collect();
                (inside || mode == PadMode::Replicate).then(|| x.get(&near))
            };
            moved(&[3, 5, 7], |out| layout::pad(&before, &after, mode, x.view(), out), expected);
        }

        let [a, b, c, d] = [extent(2, 1), extent(3, 2), extent(4, 2), extent(5, 3)];
        let x = Tensor::<T>::random(1, &[a, b, c, d], lie);
        let expected = |at: &[usize]| Some(x.get(&[at[0], at[1], at[2] / 2, at[3] / 3]));
        moved(&[a, b, 2 * c, 3 * d], |out| layout::upsample(&[2, 3], x.view(), out), expected);
    }
}

#[test]
fn elements_are_moved_unchanged() {
    all::<f32>();
    all::<bf16>();
    all::<f16>();
    all::<i32>();
    all::<u8>();
}

#[test]
fn a_broadcast_view_is_repeated() {
    let data = [1.0f32, 2.0, 3.0];
    let (shape, strides) = ([2, 3, 2], [0, 1, 0]);
    let mut out = [0.0; 12];
    copy::copy(View::new(&data, &shape, &strides).unwrap(), &mut out);
    assert_eq!(out, [1., 1., 2., 2., 3., 3., 1., 1., 2., 2., 3., 3.]);
}
