//! Nodes on small data, against values worked out by hand.

use crate::harness::*;

const NO: [&[&str]; 2] = [&[], &[]];

fn f(values: &[f32]) -> Option<Vec<u8>> {
    Some(values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

fn i(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|chunk| f32::from_le_bytes(chunk.try_into().expect("four bytes"))).collect()
}

#[track_caller]
fn near(bytes: &[u8], wanted: &[f32]) {
    let got = floats(bytes);
    assert_eq!(got.len(), wanted.len());
    assert!(got.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-5), "{got:?} is not {wanted:?}");
}

#[test]
fn elementwise_broadcasts_and_keeps_to_its_type() {
    let a: Operand = (&[2, 2], F32, f(&[1., 2., 3., 4.]));
    let row: Operand = (&[2, 1], F32, f(&[10., 20.]));
    near(
        &run("add_fwd_f32", &[a.clone(), row.clone()], &[(&[2, 2], F32)], &[], NO).unwrap()[0],
        &[11., 22., 13., 24.],
    );
    near(
        &run("div_f32", &[a.clone(), row.clone()], &[(&[2, 2], F32)], &[], NO).unwrap()[0],
        &[0.1, 0.1, 0.3, 0.2],
    );
    assert_eq!(run("add_fwd_bf16", &[a.clone(), row], &[(&[2, 2], F32)], &[], NO), Err(FAIL));
    assert_eq!(
        run("exp_fwd_f32", &[a.clone()], &[(&[2, 2], F32)], &[0; 4], NO),
        Err(FAIL),
        "it has no parameters"
    );
    near(
        &run("silu_fwd_f32", &[(&[2], F32, f(&[0., 1.]))], &[(&[2], F32)], &[], NO).unwrap()[0],
        &[0., 0.731_058_6],
    );
    let gelu =
        run("gelu_fwd_f32", &[(&[2], F32, f(&[1., -1.]))], &[(&[2], F32), (&[2], F32)], &[0], NO).unwrap();
    near(&gelu[0], &[0.841_344_7, -0.158_655_3]);
    assert_eq!(
        run(
            "mult_fwd_i32",
            &[(&[2], I32, Some(i(&[7, -3]))), (&[2], I32, Some(i(&[3, 3])))],
            &[(&[2], I32)],
            &[],
            NO
        )
        .unwrap()[0],
        i(&[21, -9])
    );
}

#[test]
fn casts_round_once() {
    let x = f(&[1.0, 1.003_906_25, 1.011_718_75]); // The last two lie between two bf16: ties go to even.
    let y = run("cast_f32_to_bf16", &[(&[3], F32, x)], &[(&[3], BF16)], &[], NO).unwrap();
    assert_eq!(y[0], [0x80, 0x3f, 0x80, 0x3f, 0x82, 0x3f]);
    let y =
        run("cast_f32_to_hf8", &[(&[3], F32, f(&[1.0, 448.0, -0.5]))], &[(&[3], 1 << 13)], &[], NO).unwrap();
    assert_eq!(y[0], [0x38, 0x7e, 0xb0]);
}

#[test]
fn products_with_and_without_transposes() {
    let (a, b) = (f(&[1., 2., 3., 4., 5., 6.]), f(&[1., 0., 2., 1., 0., 3.]));
    let a_by_rows: Operand = (&[3, 2], F32, a); // [2, 3]
    let b_columns: Operand = (&[3, 2], F32, b); // [2, 3], transposed
    let bias: Operand = (&[2], F32, f(&[100., 200.]));
    let c = run("gemm", &[a_by_rows.clone(), b_columns.clone()], &[(&[2, 2], F32)], &[0, 1], NO).unwrap();
    near(&c[0], &[7., 10., 16., 22.]);
    let c = run("linear_fwd_f32", &[a_by_rows.clone(), b_columns.clone(), bias], &[(&[2, 2], F32)], &[], NO)
        .unwrap();
    near(&c[0], &[107., 210., 116., 222.]);
    assert_eq!(run("gemm", &[a_by_rows, b_columns], &[(&[2, 2], F32)], &[0, 0], NO), Err(FAIL));
    let batched: Operand = (&[1, 2, 2], F32, f(&[1., 2., 3., 4.]));
    let one: Operand = (&[2, 1, 1], F32, f(&[10., 1.]));
    let c = run("batch_gemm", &[batched, one], &[(&[2, 2, 2], F32)], &[], NO).unwrap();
    near(&c[0], &[10., 1., 20., 2., 30., 3., 40., 4.]);
}

#[test]
fn data_moves() {
    let x: Operand = (&[3, 2], F32, f(&[1., 2., 3., 4., 5., 6.]));
    let order = i(&[1, 0, 0, 0, 0, 2]);
    near(
        &run("transpose", &[x.clone()], &[(&[2, 3], F32)], &order, NO).unwrap()[0],
        &[1., 4., 2., 5., 3., 6.],
    );
    assert_eq!(run("transpose", &[x.clone()], &[(&[3, 2], F32)], &order, NO), Err(FAIL));
    let joined =
        run("concat", &[x.clone(), (&[1, 2], F32, f(&[7., 8.]))], &[(&[4, 2], F32)], &[0; 4], NO).unwrap();
    near(&joined[0], &[1., 2., 3., 7., 4., 5., 6., 8.]);
    let parts = run("split", &[x.clone()], &[(&[1, 2], F32), (&[2, 2], F32)], &[0; 4], NO).unwrap();
    near(&parts[0], &[1., 4.]);
    near(&parts[1], &[2., 3., 5., 6.]);
    let mut slice = vec![0u8; 704];
    for (offset, value) in [(104, 0u64), (304, 3), (504, 2)] {
        slice[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
    }
    near(&run("slice", &[x.clone()], &[(&[2, 2], F32)], &slice, NO).unwrap()[0], &[1., 3., 4., 6.]);
    let rows = run(
        "gather_fwd_f32",
        &[x.clone(), (&[3], I32, Some(i(&[1, 1, 0])))],
        &[(&[3, 3], F32)],
        &i(&[1]),
        NO,
    )
    .unwrap();
    near(&rows[0], &[4., 5., 6., 4., 5., 6., 1., 2., 3.]);
    let wide = run("broadcast", &[(&[1, 2], F32, f(&[1., 2.]))], &[(&[2, 2], F32)], &[], NO).unwrap();
    near(&wide[0], &[1., 1., 2., 2.]);
    near(&run("constant_f32", &[], &[(&[2], F32)], &2.5f32.to_le_bytes(), NO).unwrap()[0], &[2.5, 2.5]);
}

#[test]
fn reductions_and_norms() {
    let x: Operand = (&[2, 2], F32, f(&[1., 3., 2., 6.]));
    near(&run("reduce_mean_fwd_f32", &[x.clone()], &[(&[1, 2], F32)], &i(&[0]), NO).unwrap()[0], &[2., 4.]);
    near(&run("reduce_sum_fwd_f32", &[x.clone()], &[(&[2, 1], F32)], &i(&[1]), NO).unwrap()[0], &[3., 9.]);
    near(
        &run("softmax_fwd_f32", &[(&[2], F32, f(&[0., 0.]))], &[(&[2], F32)], &i(&[0]), NO).unwrap()[0],
        &[0.5, 0.5],
    );
    let mut params = vec![1, 0, 0, 0];
    params.extend(0f32.to_le_bytes());
    let plain = params.clone();
    let (weight, bias): (Operand, Operand) = ((&[2], F32, f(&[2., 2.])), (&[2], F32, f(&[1., 1.])));
    let outputs: [(&[u64], i32); 3] = [(&[2, 2], F32), (&[1, 2], F32), (&[1, 2], F32)];
    let y =
        run("layer_norm_fwd_f32", &[x.clone(), bias.clone(), weight.clone()], &outputs, &plain, NO).unwrap();
    near(&y[0], &[-1., 3., -1., 3.]);
    near(&y[2], &[1., 0.5]);
    params.extend(i(&[0, 0, 1]));
    let y = run("layer_norm_fwd_pt_f32", &[x.clone(), weight.clone(), bias], &outputs, &params, NO).unwrap();
    near(&y[0], &[-1., 3., -1., 3.]);
    params.extend([0; 4]);
    let y = run(
        "rms_norm_ex_fwd_f32",
        &[(&[2, 1], F32, f(&[3., 4.])), weight],
        &[(&[2, 1], F32), (&[1, 1], F32)],
        &params,
        NO,
    )
    .unwrap();
    near(&y[0], &[1.697_056_3, 2.262_741_7]);
    let group: Vec<u8> = [i(&[1, 1]), 0f32.to_le_bytes().to_vec()].concat();
    let outputs: [(&[u64], i32); 3] = [(&[2, 1, 1, 1], F32), (&[1, 1], F32), (&[1, 1], F32)];
    let y = run("native_group_norm_fwd_f32", &[(&[2, 1, 1, 1], F32, f(&[1., 3.]))], &outputs, &group, NO)
        .unwrap();
    near(&y[0], &[-1., 1.]);
}

#[test]
fn convolution_in_both_layouts() {
    let params: Vec<u8> = [i(&[2, 1, 1, 1, 1, 0, 0, 0, 1, 1]), vec![0; 24], i(&[1, 0])].concat();
    let torch: [&[&str]; 2] = [&["WHCN", "SRCK", ""], &["WHCN"]];
    let bias: Operand = (&[1], F32, f(&[100.]));
    let x: Operand = (&[3, 1, 1, 1], F32, f(&[1., 2., 3.]));
    let w: Operand = (&[2, 1, 1, 1], F32, f(&[10., 1.]));
    let y =
        run("spatial_convolution", &[x, w, bias.clone()], &[(&[3, 1, 1, 1], F32)], &params, torch).unwrap();
    near(&y[0], &[101., 112., 123.]);
    let x: Operand = (&[1, 3, 1, 1], F32, f(&[1., 2., 3.]));
    let w: Operand = (&[1, 1, 2, 1], F32, f(&[10., 1.]));
    let y = run("spatial_convolution", &[x, w, bias], &[(&[1, 3, 1, 1], F32)], &params, NO).unwrap();
    near(&y[0], &[101., 112., 123.]);
}

#[test]
fn convolution_over_three_axes() {
    // Kernel 1 x 1 x 2, one layer of zeros in front.
    let geometry = [1, 1, 2, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 1, 1, 0];
    let params: Vec<u8> = [i(&geometry), vec![0; 24], i(&[1, 0])].concat();
    let x: Operand = (&[1, 1, 3, 1, 1], F32, f(&[1., 2., 3.]));
    let w: Operand = (&[1, 1, 2, 1, 1], F32, f(&[10., 1.]));
    let torch: [&[&str]; 2] = [&["WHDCN", "SRQCK"], &["WHDCN"]];
    let out: [(&[u64], _); 1] = [(&[1, 1, 3, 1, 1], F32)];
    let y = run("spatial_convolution3d", &[x.clone(), w.clone()], &out, &params, torch).unwrap();
    near(&y[0], &[1., 12., 23.]);
    let flat = &params[..72];
    assert!(run("spatial_convolution3d", &[x, w], &out, flat, torch).is_err(), "params of two axes");
}

#[test]
fn resizing_and_rotating() {
    let mut params = vec![0u8; 44];
    for (offset, value) in [(16, 3i32), (20, 3), (32, 4), (36, 1)] {
        params[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
    }
    let whcn: [&[&str]; 2] = [&["WHCN"], &["WHCN"]];
    let x: Operand = (&[2, 1, 1, 1], F32, f(&[1., 2.]));
    near(&run("resize_fwd_f32", &[x], &[(&[4, 1, 1, 1], F32)], &params, whcn).unwrap()[0], &[1., 1., 2., 2.]);
    let x: Operand = (&[4, 1], F32, f(&[1., 2., 3., 4.]));
    let (sin, cos): (Operand, Operand) = ((&[4, 1], F32, f(&[1.; 4])), (&[4, 1], F32, f(&[0.; 4])));
    let inputs = [x, sin, cos];
    near(
        &run("rotary_pos_embedding_fwd_f32", &inputs, &[(&[4, 1], F32)], &i(&[0, 1]), NO).unwrap()[0],
        &[-2., 1., -4., 3.],
    );
    near(
        &run("rotary_pos_embedding_fwd_f32", &inputs, &[(&[4, 1], F32)], &i(&[0, 0]), NO).unwrap()[0],
        &[-3., -4., 1., 2.],
    );
}

#[test]
fn attention_takes_twelve_inputs() {
    let none: Operand = (&[1], F32, None);
    let q: Operand = (&[1, 2, 1, 1], F32, f(&[0., 0.]));
    let v: Operand = (&[1, 2, 1, 1], F32, f(&[1., 3.]));
    let mask: Operand = (&[2, 1, 1, 1], F32, f(&[0., f32::NEG_INFINITY]));
    let mut params = vec![0u8; 32];
    params[..4].copy_from_slice(&1f32.to_le_bytes());
    params[20] = 1;
    params[24] = 2;
    let mut inputs = vec![q.clone(), q, v];
    assert_eq!(run("sdpa_recomp_fwd_f32", &inputs, &[(&[1, 2, 1, 1], F32)], &params, NO), Err(FAIL));
    inputs.extend(vec![none; 9]);
    near(&run("sdpa_recomp_fwd_f32", &inputs, &[(&[1, 2, 1, 1], F32)], &params, NO).unwrap()[0], &[2., 2.]);
    params[4] = 1;
    near(&run("sdpa_recomp_fwd_f32", &inputs, &[(&[1, 2, 1, 1], F32)], &params, NO).unwrap()[0], &[1., 2.]);
    params[4] = 0;
    inputs[3] = mask;
    near(&run("sdpa_recomp_fwd_f32", &inputs, &[(&[1, 2, 1, 1], F32)], &params, NO).unwrap()[0], &[1., 1.]);
    let y = run("sdpa_fwd_f32", &inputs, &[(&[1, 2, 1, 1], F32), (&[2, 2, 1, 1], F32)], &params, NO).unwrap();
    near(&y[1], &[1., 0., 1., 0.]);
}

#[test]
fn a_kernel_of_users_is_not_known_without_its_library() {
    let x: Operand = (&[2], F32, f(&[1., 2.]));
    assert_eq!(run("example_scale_fwd_f32", &[x], &[(&[2], F32)], &[], NO), Err(FAIL));
}

#[test]
fn a_node_has_sixteen_operands_at_most() {
    let part: Operand = (&[1, 2], F32, f(&[1., 2.]));
    let axis = [0; 4];
    let joined = |count: u64| {
        let sizes: &'static [u64] = vec![count, 2].leak();
        run("concat", &vec![part.clone(); count as usize], &[(sizes, F32)], &axis, NO)
    };
    assert_eq!(joined(16).unwrap()[0].len(), 16 * 2 * 4);
    assert_eq!(joined(17), Err(FAIL));
}
