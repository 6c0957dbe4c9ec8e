//! States: read and written in place, however they hang together.

mod common;

use common::*;
use tintype_program::{DType, Program, TensorType};

fn in_both_modes(program: &Program, check: impl Fn(&mut Session)) {
    for mode in MODES {
        check(&mut Session::of(&open(), program, mode, &Checkpoint::default()));
    }
}

#[test]
fn a_counter_names_the_row_of_a_table() {
    let program = trace(|scope| {
        let table = scope.input("table", f32s(&[4, 2]))?;
        let step = scope.state("step", TensorType::new(DType::I32, [1]))?;
        let row = table.gather(0, step.value())?;
        scope.output("row", &row)?;
        scope.update(&step, &(step.value() + 1.0)?)
    });
    in_both_modes(&program, |session| {
        session.write("table", &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]).write("step", &[0.0]);
        for step in 0..4 {
            session.run();
            let first = 2.0 * step as f32;
            assert_eq!(session.read("row"), [first, first + 1.0]);
        }
        assert_eq!(session.read("step"), [4.0]);
    });
}

#[test]
fn a_history_moves_on_by_one() {
    let program = trace(|scope| {
        let x = scope.input("x", f32s(&[2]))?;
        let sample = scope.state("sample", f32s(&[2]))?;
        let [newest, older] = ["newest", "older"].map(|name| scope.state(name, f32s(&[2])));
        let (newest, older) = (newest?, older?);
        let output = (&x + sample.value())?;
        let mixed = (&(&output + newest.value())? + older.value())?;
        scope.update(&older, newest.value())?;
        scope.update(&newest, &output)?;
        scope.update(&sample, &mixed)?;
        scope.output("seen", older.value())
    });
    in_both_modes(&program, |session| {
        session.write("x", &[1.0, 2.0]);
        session.write("sample", &[0.0; 2]).write("newest", &[0.0; 2]).write("older", &[0.0; 2]);
        let (mut sample, mut newest, mut older) = ([0f32; 2], [0f32; 2], [0f32; 2]);
        for _ in 0..5 {
            session.run();
            assert_eq!(session.read("seen"), older, "the old content");
            let output = [1.0 + sample[0], 2.0 + sample[1]];
            sample = [output[0] + newest[0] + older[0], output[1] + newest[1] + older[1]];
            (older, newest) = (newest, output);
            assert_eq!(session.read("sample"), sample);
            assert_eq!(session.read("newest"), newest);
            assert_eq!(session.read("older"), older);
        }
    });
}

#[test]
fn states_that_trade_places() {
    let program = trace(|scope| {
        let a = scope.state("a", f32s(&[2, 2]))?;
        let b = scope.state("b", f32s(&[2, 2]))?;
        let kept = scope.state("kept", f32s(&[1]))?;
        // Each becomes the other, one of them turned.
        scope.update(&a, &b.value().transpose(&[1, 0])?)?;
        scope.update(&b, a.value())?;
        scope.output("kept_too", kept.value())
    });
    in_both_modes(&program, |session| {
        session
            .write("a", &[1.0, 2.0, 3.0, 4.0])
            .write("b", &[5.0, 6.0, 7.0, 8.0])
            .write("kept", &[9.0])
            .run();
        assert_eq!(session.read("a"), [5.0, 7.0, 6.0, 8.0]);
        assert_eq!(session.read("b"), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!((session.read("kept"), session.read("kept_too")), (vec![9.0], vec![9.0]));
    });
}

#[test]
fn a_state_through_calls_and_into_an_output() {
    let program = trace(|scope| {
        let x = scope.state("x", f32s(&[3]))?;
        let step = scope.block("step", &[x.value().ty()], |_, x| Ok(vec![(&x[0] * 2.0)?, x[0].clone()]))?;
        let once = step.call(scope, &[x.value()])?;
        let twice = step.call(scope, &[&once[0]])?;
        scope.output("before", &once[1])?;
        scope.output("after", &twice[0])?;
        scope.update(&x, &twice[0])
    });
    in_both_modes(&program, |session| {
        session.write("x", &[1.0, 2.0, 3.0]).run();
        assert_eq!(session.read("before"), [1.0, 2.0, 3.0]);
        assert_eq!(session.read("after"), [4.0, 8.0, 12.0]);
        assert_eq!(session.read("x"), [4.0, 8.0, 12.0]);
        assert_eq!(session.run().read("before"), [4.0, 8.0, 12.0]);
    });
}

#[test]
fn a_state_that_becomes_a_part_of_itself_or_an_input() {
    let program = trace(|scope| {
        let input = scope.input("input", f32s(&[2]))?;
        let window = scope.state("window", f32s(&[4]))?;
        let copy = scope.state("copy", f32s(&[2]))?;
        let moved = tintype_program::concat(&[&window.value().slice(0, 2, 4)?, &input], 0)?;
        scope.update(&window, &moved)?;
        scope.update(&copy, &input)
    });
    in_both_modes(&program, |session| {
        session
            .write("window", &[1.0, 2.0, 3.0, 4.0])
            .write("input", &[5.0, 6.0])
            .write("copy", &[0.0; 2])
            .run();
        assert_eq!(session.read("window"), [3.0, 4.0, 5.0, 6.0]);
        assert_eq!(session.read("copy"), [5.0, 6.0]);
    });
}
