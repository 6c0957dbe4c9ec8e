use super::functions::erf;
use super::support::{LIES, Lie, Tensor, check, each_float, extent, few, index, levels, on};
use crate::kernels::elementwise::Group;
use crate::level::Level;
use crate::tensor::{AnySlice, AnyView, Element, View};
use half::{bf16, f16};
use tintype_program::{
    Binary, Block, BlockId, DType, GeluForm, Node, Op, Port, Program, TensorType, Unary, ValueId,
};

type Exact = fn(f64) -> f64;
type ExactOfTwo = fn(f64, f64) -> f64;

fn any<T: Element>(tensor: &Tensor<T>) -> AnyView<'_> {
    any_view(tensor.view())
}

fn any_view<T: Element>(view: View<'_, T>) -> AnyView<'_> {
    macro_rules! variant {
        ($name:ident) => {
            AnyView::$name(
                View::new(bytemuck::cast_slice(view.data()), view.shape(), view.strides()).unwrap(),
            )
        };
    }
    match T::DTYPE {
        DType::F32 => variant!(F32),
        DType::Bf16 => variant!(Bf16),
        DType::F16 => variant!(F16),
        DType::I32 => variant!(I32),
        DType::U8 => variant!(U8),
    }
}

fn any_slice<T: Element>(slice: &mut [T]) -> AnySlice<'_> {
    match T::DTYPE {
        DType::F32 => AnySlice::F32(bytemuck::cast_slice_mut(slice)),
        DType::Bf16 => AnySlice::Bf16(bytemuck::cast_slice_mut(slice)),
        DType::F16 => AnySlice::F16(bytemuck::cast_slice_mut(slice)),
        DType::I32 => AnySlice::I32(bytemuck::cast_slice_mut(slice)),
        DType::U8 => AnySlice::U8(bytemuck::cast_slice_mut(slice)),
    }
}

fn single<T: Element>(op: &Op, inputs: &[AnyView], shape: &[usize], out: &mut [T]) {
    let types = vec![TensorType::new(T::DTYPE, shape); inputs.len()];
    let group = Group::single(op, &types).unwrap();
    group.run(Level::Portable, inputs, &mut [any_slice(out)]).unwrap();
    for level in levels() {
        let mut other = vec![T::default(); out.len()];
        group.run(level, inputs, &mut [any_slice(&mut other)]).unwrap();
        assert!(
            bytemuck::cast_slice::<T, u8>(&other) == bytemuck::cast_slice::<T, u8>(out),
            "{op:?} {level}"
        );
    }
}

fn functions<T: Element>() {
    let unary: [(Unary, Exact); 13] = [
        (Unary::Neg, |x| -x),
        (Unary::Abs, f64::abs),
        (Unary::Exp, f64::exp),
        (Unary::Log, f64::ln),
        (Unary::Sqrt, f64::sqrt),
        (Unary::Rsqrt, |x| 1.0 / x.sqrt()),
        (Unary::Reciprocal, |x| 1.0 / x),
        (Unary::Sin, f64::sin),
        (Unary::Cos, f64::cos),
        (Unary::Tanh, f64::tanh),
        (Unary::Erf, erf),
        (Unary::Sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
        (Unary::Relu, |x| x.max(0.0)),
    ];
    let mut ops: Vec<(Op, Exact)> =
        unary.into_iter().map(|(function, exact)| (Op::Unary { function }, exact)).collect();
    ops.push((Op::Gelu { form: GeluForm::Erf }, |x| 0.5 * x * (1.0 + erf(x / 2f64.sqrt()))));
    ops.push((Op::Gelu { form: GeluForm::Tanh }, |x| {
        0.5 * x * (1.0 + (2.0 / std::f64::consts::PI).sqrt().mul_add(x + 0.044715 * x.powi(3), 0.0).tanh())
    }));
    ops.push((Op::Gelu { form: GeluForm::Quick }, |x| x / (1.0 + (-1.702 * x).exp())));
    ops.push((Op::Silu, |x| x / (1.0 + (-x).exp())));
    let shape = [3, 5, 7];
    for (op, exact) in ops {
        for lie in LIES.into_iter().take(few(4, 1)) {
            let x = Tensor::<T>::random(5, &shape, lie);
            let run = |out: &mut [T]| single(&op, &[any(&x)], &shape, out);
            check(&format!("{op:?}"), &shape, 0.2, run, |at| exact(x.at(at)));
        }
    }
}

#[test]
fn functions_of_one_element() {
    each_float!(functions);
}

fn pairs<T: Element>() {
    let cases: [(Binary, ExactOfTwo); 7] = [
        (Binary::Add, |a, b| a + b),
        (Binary::Sub, |a, b| a - b),
        (Binary::Mul, |a, b| a * b),
        (Binary::Div, |a, b| a / b),
        (Binary::Max, f64::max),
        (Binary::Min, f64::min),
        (Binary::Pow, f64::powf),
    ];
    let shape = [extent(130, 5), extent(301, 7)];
    let (a, b) = (Tensor::<T>::random(1, &shape, Lie::Dense), Tensor::<T>::random(2, &shape, Lie::Reversed));
    for (function, exact) in cases {
        let op = Op::Binary { function };
        let run = |out: &mut [T]| single(&op, &[any(&a), any(&b)], &shape, out);
        check(&format!("{op:?}"), &shape, 0.2, run, |at| exact(a.at(at), b.at(at)));
    }
}

#[test]
fn functions_of_two_elements() {
    each_float!(pairs);
}

#[test]
fn integers_are_exact() {
    let (a, b) = ([i32::MAX, -7, -7, i32::MIN, 16_777_217], [i32::MAX, 2, 0, -1, 1]);
    let cases = [
        (Binary::Add, [-2, -5, -7, i32::MAX, 16_777_218]),
        (Binary::Mul, [1, -14, 0, i32::MIN, 16_777_217]),
        (Binary::Div, [1, -3, 0, i32::MIN, 16_777_217]),
        (Binary::Max, [i32::MAX, 2, 0, -1, 16_777_217]),
    ];
    for (function, expected) in cases {
        let mut out = [0; 5];
        let view = |data| AnyView::I32(View::new(data, &[5], &[1]).unwrap());
        single(&Op::Binary { function }, &[view(&a), view(&b)], &[5], &mut out);
        assert_eq!(out, expected, "{function:?}");
    }
}

#[test]
fn every_cast_is_the_cast_by_way_of_f64() {
    const COUNT: usize = if cfg!(miri) { 80 } else { 2400 };
    let shape = [4, COUNT / 4];
    let floats = Tensor::from(&shape, (0..COUNT).map(|i| (i as f32 - 1200.0) * 0.377).collect::<Vec<f32>>());
    let whole = Tensor::from(&shape, (0..COUNT as i32).map(|i| (i - 1200) * 99_991).collect::<Vec<i32>>());
    let small = Tensor::from(&shape, (0..COUNT).map(|i| i as u8).collect::<Vec<u8>>());
    fn both<T: Element + PartialEq + std::fmt::Debug>(x: AnyView, from: DType, shape: [usize; 2]) {
        let (mut group, mut direct) = (vec![T::default(); COUNT], vec![T::default(); COUNT]);
        let op = Op::Cast { dtype: T::DTYPE };
        let compiled = Group::single(&op, &[TensorType::new(from, shape)]).unwrap();
        compiled.run(Level::best(), &[x], &mut [any_slice(&mut group)]).unwrap();
        super::casting::cast(x, any_slice(&mut direct));
        assert_eq!(group, direct, "{from} to {}", T::DTYPE);
    }
    for (x, from) in [(any(&floats), DType::F32), (any(&whole), DType::I32), (any(&small), DType::U8)] {
        both::<f32>(x, from, shape);
        both::<bf16>(x, from, shape);
        both::<f16>(x, from, shape);
        both::<i32>(x, from, shape);
        both::<u8>(x, from, shape);
    }
}

/// `out = silu(x * broadcast(1 + scale)) + broadcast(shift)` with an explicit cast, and a second output of the small shape.
fn modulation(dtype: DType) -> Block {
    let mut block = Block::default();
    let wide = |shape: &[usize]| TensorType::new(dtype, shape);
    let [x, scale, shift] =
        [&[2, 5, WIDTH][..], &[2, 1, WIDTH], &[WIDTH]].map(|shape| block.push_value(wide(shape)));
    let port = |value: ValueId| Port { name: format!("{}", value.0), value };
    block.inputs = [x, scale, shift].map(port).to_vec();
    let mut node = |op: Op, inputs: &[ValueId], ty: TensorType| {
        let value = block.push_value(ty);
        block.nodes.push(Node { op, inputs: inputs.to_vec(), outputs: vec![value] });
        value
    };
    let (small, full) = (wide(&[2, 1, WIDTH]), wide(&[2, 5, WIDTH]));
    let broadcast = |ty: &TensorType| Op::Broadcast { shape: ty.shape.clone() };
    let binary = |function| Op::Binary { function };
    let one = node(Op::Constant { value: 1.0, dtype }, &[], wide(&[]));
    let one = node(broadcast(&small), &[one], small.clone());
    let factor = node(binary(Binary::Add), &[one, scale], small.clone());
    let spread = node(broadcast(&full), &[factor], full.clone());
    let product = node(binary(Binary::Mul), &[x, spread], full.clone());
    let rounded = node(Op::Cast { dtype: DType::Bf16 }, &[product], full.with_dtype(DType::Bf16));
    let back = node(Op::Cast { dtype }, &[rounded], full.clone());
    let gate = node(Op::Silu, &[back], full.clone());
    let shift = node(broadcast(&full), &[shift], full.clone());
    let sum = node(binary(Binary::Add), &[gate, shift], full.clone());
    block.outputs = [sum, factor].map(port).to_vec();
    block
}

/// The width of the block's inputs.
const WIDTH: usize = if cfg!(miri) { 17 } else { 300 };

fn blocks<T: Element>() {
    let program = Program { version: 1, blocks: vec![modulation(T::DTYPE)], sources: vec![] };
    let group = Group::new(&program, program.block(BlockId(0))).unwrap();
    for lie in LIES.into_iter().take(few(4, 1)) {
        let x = Tensor::<T>::random(1, &[2, 5, WIDTH], lie);
        let scale = Tensor::<T>::random(2, &[2, 1, WIDTH], lie);
        let shift = Tensor::<T>::random(3, &[WIDTH], lie);
        let mut small = vec![T::default(); 2 * WIDTH];
        let factor = |at: &[usize]| scale.at(&[at[0], 0, at[2]]) + 1.0;
        let run = |out: &mut [T]| {
            let inputs = [any(&x), any(&scale), any(&shift)];
            group.run(Level::best(), &inputs, &mut [any_slice(out), any_slice(&mut small)]).unwrap();
        };
        let expected = |at: &[usize]| {
            // The factor and the product in f32, as the group has them, so that the cast's ties fall the same way.
            let product = x.at(at) as f32 * (scale.at(&[at[0], 0, at[2]]) as f32 + 1.0);
            let product = bf16::from_f32(product).to_f64();
            product / (1.0 + (-product).exp()) + shift.at(&at[2..])
        };
        check("block", &[2, 5, WIDTH], 1.0, run, expected);
        for (i, value) in small.iter().enumerate() {
            assert!((f64::from(value.to_f32()) - factor(&index(i, &[2, 1, WIDTH]))).abs() < 0.005);
        }
    }
}

#[test]
fn a_block_is_one_pass_with_its_casts_honoured() {
    each_float!(blocks);
}

#[test]
fn threads_and_wrong_operands() {
    let count = extent(100_003, 17_003);
    let group = Group::single(&Op::Silu, &[TensorType::new(DType::F32, [count])]).unwrap();
    let x = Tensor::<f32>::random(1, &[count], Lie::Dense);
    let run = |threads| {
        let mut out = vec![0f32; count];
        on(threads, || group.run(Level::best(), &[any(&x)], &mut [AnySlice::F32(&mut out)]).unwrap());
        out.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
    };
    assert!(run(1) == run(3));
    let mut out = vec![0f32; 5];
    assert!(group.run(Level::best(), &[any(&x)], &mut [AnySlice::F32(&mut out)]).is_err());
    assert!(group.run(Level::best(), &[], &mut [AnySlice::F32(&mut out)]).is_err());
    assert!(
        Group::single(
            &Op::MatMul,
            &[TensorType::new(DType::F32, [2, 2]), TensorType::new(DType::F32, [2, 2])]
        )
        .is_err()
    );
}
