//! Passes over memory, by hand: `cargo test --release -p tintype-cpu --lib passes -- --ignored --nocapture`.

use super::support::{Lie, Tensor, levels, on};
use crate::kernels::elementwise::Group;
use crate::kernels::{attention::attention, copy, norm, rotary};
use crate::level::Level;
use crate::tensor::{AnySlice, AnyView, Element, View};
use std::time::Instant;
use tintype_program::{Binary, Block, DType, GeluForm, Node, Op, Pairing, Port, Program, TensorType};

fn best(what: &str, level: Level, mut work: impl FnMut() + Send) -> f64 {
    let seconds = on(1, || {
        work();
        let run = |_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        };
        (0..9).map(run).fold(f64::INFINITY, f64::min)
    });
    println!("{what} {level}: {:.2} ms", seconds * 1e3);
    seconds
}

fn view<T: Element>(x: &Tensor<T>) -> AnyView<'_> {
    let v = x.view();
    match T::DTYPE {
        DType::F32 => {
            AnyView::F32(View::new(bytemuck::cast_slice(v.data()), v.shape(), v.strides()).unwrap())
        }
        _ => AnyView::Bf16(View::new(bytemuck::cast_slice(v.data()), v.shape(), v.strides()).unwrap()),
    }
}

fn slice<T: Element>(out: &mut [T]) -> AnySlice<'_> {
    match T::DTYPE {
        DType::F32 => AnySlice::F32(bytemuck::cast_slice_mut(out)),
        _ => AnySlice::Bf16(bytemuck::cast_slice_mut(out)),
    }
}

/// `x (1 + scale) + shift`.
fn modulation(dtype: DType, [rows, width]: [usize; 2]) -> Group {
    let mut block = Block::default();
    let (row, all) = (TensorType::new(dtype, [1, width]), TensorType::new(dtype, [rows, width]));
    let [x, scale, shift] = [&all, &row, &row].map(|ty| block.push_value(ty.clone()));
    let mut node = |op: Op, inputs: &[_], ty: &TensorType| {
        let to = block.push_value(ty.clone());
        block.nodes.push(Node { op, inputs: inputs.to_vec(), outputs: vec![to] });
        to
    };
    let one = node(Op::Constant { value: 1.0, dtype }, &[], &TensorType::new(dtype, Vec::<usize>::new()));
    let one = node(Op::Broadcast { shape: vec![1, width] }, &[one], &row);
    let factor = node(Op::Binary { function: Binary::Add }, &[scale, one], &row);
    let factor = node(Op::Broadcast { shape: vec![rows, width] }, &[factor], &all);
    let product = node(Op::Binary { function: Binary::Mul }, &[x, factor], &all);
    let shifts = node(Op::Broadcast { shape: vec![rows, width] }, &[shift], &all);
    let sum = node(Op::Binary { function: Binary::Add }, &[product, shifts], &all);
    block.inputs = [x, scale, shift].map(|value| Port { name: value.0.to_string(), value }).to_vec();
    block.outputs = vec![Port { name: "sum".into(), value: sum }];
    let program = Program { version: 1, blocks: vec![block.clone()], sources: vec![] };
    Group::new(&program, &block).unwrap()
}

fn all<T: Element>(level: Level) {
    let name = T::DTYPE;
    let shape = [1, 8, 1152, 128];
    let x = Tensor::<T>::random(1, &shape, Lie::Dense);
    let mut out = vec![T::default(); shape.iter().product()];
    let seconds = best(&format!("attention {name}"), level, || {
        attention(level, 0.1, x.view(), x.view(), x.view(), None, &mut out);
    });
    println!("    {:.1} GFLOP/s", 4.0 * 8.0 * 1152.0 * 1152.0 * 128.0 / seconds / 1e9);
    let shape = [1152, 4096];
    let x = Tensor::<T>::random(1, &shape, Lie::Dense);
    let mut out = vec![T::default(); shape.iter().product()];
    for form in [GeluForm::Tanh, GeluForm::Erf] {
        let gelu = Group::single(&Op::Gelu { form }, &[TensorType::new(T::DTYPE, shape)]).unwrap();
        best(&format!("gelu {form:?} {name}"), level, || {
            gelu.run(level, &[view(&x)], &mut [slice(&mut out)]).unwrap();
        });
    }
    let shape = [1152, 1024];
    let x = Tensor::<T>::random(1, &shape, Lie::Dense);
    let row = Tensor::<T>::random(2, &[1, 1024], Lie::Dense);
    let mut norm = Tensor::<T>::from(&shape, vec![T::default(); 1152 * 1024]);
    let mut out = vec![T::default(); 1152 * 1024];
    let group = modulation(T::DTYPE, shape);
    best(&format!("modulated layer norm {name}"), level, || {
        norm::layer_norm(level, 1e-6, x.view(), None, norm.data_mut());
        group.run(level, &[view(&norm), view(&row), view(&row)], &mut [slice(&mut out)]).unwrap();
    });
    let shape = [1, 8, 1152, 128];
    let x = Tensor::<T>::random(1, &shape, Lie::Dense);
    let weight = Tensor::<T>::random(2, &[128], Lie::Dense);
    let [cos, sin] = [3, 4].map(|seed| Tensor::<f32>::random(seed, &[1152, 128], Lie::Dense));
    let mut norm = Tensor::<T>::from(&shape, vec![T::default(); 1152 * 1024]);
    best(&format!("rms norm and rotary {name}"), level, || {
        norm::rms_norm(level, 1e-6, x.view(), Some(weight.view()), norm.data_mut());
        rotary::rotary(level, Pairing::Interleaved, norm.view(), cos.view(), sin.view(), &mut out);
    });
    let x = Tensor::<T>::random(1, &[1024, 1152], Lie::Reversed);
    best(&format!("transposing copy 1024 x 1152 {name}"), level, || copy::copy(x.view(), &mut out));
}

#[test]
#[ignore = "a measurement"]
fn passes() {
    for level in levels() {
        all::<f32>(level);
        all::<half::bf16>(level);
    }
}
