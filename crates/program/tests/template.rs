//! Templates of two traces: what becomes of numbers that differ, and which Programs are theirs.
#![allow(clippy::unwrap_used)]

use tintype_program::{DType, Program, Template, TensorType, concat};

/// A picture of so many tokens beside a text, turned together; between times of another shape.
fn shaped(tokens: usize, width: usize, between: &[usize]) -> Program {
    let program = Program::trace("model", |scope| {
        let text = scope.input("text", TensorType::new(DType::F32, [1, 4, width]))?;
        let picture = scope.input("picture", TensorType::new(DType::F32, [1, tokens, width]))?;
        let weight = scope.param("w", &[width, width])?;
        let joint = concat(&[&text, &picture], 1)?.linear(&weight, None)?;
        let joint = joint.reshape(between)?.reshape(&[1, tokens + 4, width])?;
        scope.output("picture", &joint.slice(1, 4, tokens + 4)?)
    });
    program.unwrap()
}

fn plain(tokens: usize, width: usize) -> Program {
    shaped(tokens, width, &[2 * (tokens + 4), width / 2])
}

fn halved(tokens: usize, width: usize) -> Program {
    shaped(tokens, width, &[1, 2, (tokens + 4) / 2, width])
}

#[test]
fn numbers_that_do_not_grow_evenly_are_refused() {
    let template = Template::of(&halved(16, 8), &halved(64, 8), 2..=512);
    // (tokens + 4) / 2 does not grow evenly by a whole number.
    let told = template.unwrap_err().to_string();
    assert!(told.contains("10 becomes 34, which 16 to 64 does not explain"), "{told}");
}

#[test]
fn sizes_within_its_bounds_are_its_own() {
    let template = Template::of(&plain(16, 8), &plain(64, 8), 2..=512).unwrap().unwrap();
    assert_eq!((template.size(), template.sizes()), (16, 2..=512));
    let again = Template::from_json(&template.to_json()).unwrap();
    assert_eq!(again, template);
    for tokens in [2, 16, 17, 64, 512] {
        assert_eq!(again.size_of(&plain(tokens, 8)), Ok(tokens));
    }
    let of = |program: Program| template.size_of(&program).unwrap_err();
    assert!(of(plain(513, 8)).contains("its size is 513, and 2 to 512 are meant"));
    assert!(of(plain(16, 16)).contains("it is of another model"), "{}", of(plain(16, 16)));
    assert!(of(halved(16, 8)).contains("another model"));
}

#[test]
fn what_makes_no_template_is_named() {
    let of = |a: &Program, b: &Program| Template::of(a, b, 16..=512);
    assert!(of(&plain(16, 8), &plain(16, 8)).unwrap().is_none());
    let told = of(&plain(8, 8), &plain(16, 8)).unwrap_err().to_string();
    assert!(told.contains("it was traced at 8, which is not within 16 to 512"), "{told}");
    let told = of(&plain(16, 8), &plain(64, 20)).unwrap_err().to_string();
    assert!(told.contains("their weights have other shapes"), "{told}");
    assert!(Template::from_json("{}").unwrap_err().to_string().contains("it has no `least`"));
    assert!(Template::from_json("[").is_err());
}

/// Numbers of a file that anybody may have written.
#[test]
fn numbers_beyond_all_measure_are_of_no_size() {
    let text = Template::of(&plain(16, 8), &plain(64, 8), 2..=512).unwrap().unwrap().to_json();
    let (least, most) = (i64::MIN, i64::MAX);
    for (per, plus) in [(-1, least), (0, 0), (most, most), (least, least), (1, most)] {
        let number = format!("{{\"per\":{per},\"plus\":{plus}}}");
        let hostile = text.replace("{\"per\":1,\"plus\":0}", &number);
        assert_ne!(hostile, text);
        assert!(Template::from_json(&hostile).unwrap().size_of(&plain(16, 8)).is_err(), "{number}");
    }
}
