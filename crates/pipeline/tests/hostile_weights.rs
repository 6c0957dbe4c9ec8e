//! Weights files and indices that lie. Each is refused in a moment, by name, without a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod scratch;

use scratch::{Scratch, assert_told, in_seconds};
use tintype_pipeline::files::Checkpoint;

/// A safetensors file of this header and so many bytes of data.
fn file(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

fn tensor(dtype: &str, shape: &str, start: u64, end: u64) -> String {
    format!(r#"{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{start},{end}]}}"#)
}

/// What opening a file of these bytes says.
fn refusal(bytes: &[u8]) -> String {
    let scratch = Scratch::new();
    scratch.write("model.safetensors", bytes);
    match Checkpoint::open(scratch.path(), &["model"]) {
        Ok(_) => "it opened".into(),
        Err(error) => error.to_string(),
    }
}

fn assert_refused(bytes: &[u8], part: &str) {
    assert_told(&refusal(bytes), &["model.safetensors", part, "again"]);
}

#[test]
fn a_header_longer_than_the_file() {
    for length in [3, 100, 1 << 40, u64::MAX - 7, u64::MAX] {
        let bytes = [length.to_le_bytes().as_slice(), b"{}"].concat();
        assert_refused(&bytes, &format!("the header is {length} bytes long but only 2 follow"));
    }
}

#[test]
fn a_header_that_is_empty_or_cut() {
    assert_refused(&[], "0 bytes are too few");
    assert_refused(&0u64.to_le_bytes(), "header");
    assert_refused(&file("", 4), "header");
    let whole = file(&format!(r#"{{"a":{}}}"#, tensor("F32", "[1]", 0, 4)), 4);
    for length in 0..whole.len() {
        assert_refused(&whole[..length], "");
    }
}

#[test]
fn tensors_that_overlap() {
    let [a, b] = [tensor("F32", "[2]", 0, 8), tensor("F32", "[2]", 4, 12)];
    assert_refused(&file(&format!(r#"{{"a":{a},"b":{b}}}"#), 12), "overlap");
    assert_refused(&file(&format!(r#"{{"a":{a},"b":{a}}}"#), 8), "overlap");
}

#[test]
fn offsets_outside_the_file_or_backwards() {
    let header = |start, end| format!(r#"{{"a":{}}}"#, tensor("F32", "[1]", start, end));
    assert_refused(&file(&header(0, 4), 0), "truncated");
    assert_refused(&file(&header(1 << 40, (1 << 40) + 4), 4), "`a`");
    assert_refused(&file(&header(u64::MAX - 4, u64::MAX), 4), "`a`");
    assert_refused(&file(&header(4, 0), 4), "`a`");
    assert_refused(&file(r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, 4), "JSON");
    assert_refused(&file(r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, 4), "JSON");
}

#[test]
fn dtypes_and_shapes_that_do_not_fit_their_bytes() {
    let header = |dtype, shape| format!(r#"{{"a":{}}}"#, tensor(dtype, shape, 0, 4));
    assert_refused(&file(&header("F64", "[1]"), 4), "shape and dtype");
    assert_refused(&file(&header("F32", "[2]"), 4), "shape and dtype");
    assert_refused(&file(&header("F32", "[0]"), 4), "shape and dtype");
    assert_refused(&file(&header("F32", "[4294967296,4294967296,1]"), 4), "");
    assert_refused(&file(&header("F32", "[18446744073709551615,2]"), 4), "");
    assert_refused(&file(&header("F31", "[1]"), 4), "F31");
    assert_refused(&file(&header("F32", "[-1]"), 4), "JSON");
    assert_refused(&file(&header("F32", "\"one\""), 4), "JSON");
}

#[test]
fn a_header_that_nests_or_is_no_object() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_refused(&file(&deep, 0), "JSON");
    assert_refused(&file("{\"a\":{\"a\":{\"a\":1}}}", 0), "JSON");
    assert_refused(&file("[]", 0), "no JSON header");
    assert_refused(&file(r#"{"\ud800":{}}"#, 0), "JSON");
}

#[test]
fn a_million_tensors_open_and_a_name_is_found_missing_in_seconds() {
    let mut header = String::from("{");
    for i in 0..1_000_000 {
        let comma = if i == 0 { "" } else { "," };
        header.push_str(&format!(r#"{comma}"blocks.{i}.w":{}"#, tensor("U8", "[1]", i, i + 1)));
    }
    header.push('}');
    let scratch = Scratch::new();
    scratch.write("model.safetensors", file(&header, 1_000_000));
    drop(header);
    in_seconds(60, || {
        let checkpoint = Checkpoint::open(scratch.path(), &["model"]).unwrap();
        assert_eq!((checkpoint.names().len(), checkpoint.total_bytes()), (1_000_000, 1_000_000));
        let told = checkpoint.require("blocks.999999.x").unwrap_err().to_string();
        assert_told(&told, &["`blocks.999999.x`", "`blocks.999999.w`"]);
    });
}

#[test]
fn a_name_of_a_megabyte_does_not_fill_the_message() {
    let name = "n".repeat(1 << 20);
    let [a, b] = [tensor("F32", "[1]", 0, 4), tensor("F32", "[1]", 2, 6)];
    assert_refused(&file(&format!(r#"{{"{name}":{a},"{name}2":{b}}}"#), 6), "overlap");
    let escape = r"\u001b[2J";
    assert_refused(&file(&format!(r#"{{"{escape}":{a},"{escape}2":{b}}}"#), 6), r"\u{1b}[2J");
}

#[test]
fn what_is_no_regular_file() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path().join("model.safetensors")).unwrap();
    let told = |scratch: &Scratch| Checkpoint::open(scratch.path(), &["model"]).err().unwrap().to_string();
    assert_told(&told(&scratch), &["model.safetensors", "a folder"]);
    #[cfg(unix)]
    {
        let link = |to: &str| {
            let scratch = Scratch::new();
            std::os::unix::fs::symlink(to, scratch.path().join("model.safetensors")).unwrap();
            scratch
        };
        assert_told(&told(&link("/dev/zero")), &["model.safetensors", "a device"]);
        // A link to itself is no file, so it is as if there were none.
        assert_told(&told(&link("model.safetensors")), &["holds no weights"]);
    }
}

proptest::proptest! {
    #[test]
    fn what_is_written_is_what_is_read(
        tensors in proptest::collection::btree_map("[a-z.0-9é]{1,20}", proptest::collection::vec(proptest::num::u8::ANY, 0..40), 0..12),
    ) {
        use safetensors::tensor::{Dtype, TensorView};
        let views = tensors.iter().map(|(name, bytes)| {
            (name.clone(), TensorView::new(Dtype::U8, vec![1, bytes.len()], bytes).unwrap())
        });
        let scratch = Scratch::new();
        scratch.write("model.safetensors", safetensors::serialize(views, None).unwrap());
        let checkpoint = Checkpoint::open(scratch.path(), &["model"]).unwrap();
        proptest::prop_assert!(checkpoint.names().eq(tensors.keys().map(String::as_str)));
        for (name, bytes) in &tensors {
            let tensor = checkpoint.require(name).unwrap();
            proptest::prop_assert_eq!((tensor.shape, tensor.bytes), (&[1, bytes.len()][..], bytes.as_slice()));
        }
    }
}

/// An index of shards beside one sound shard, `one.safetensors`, that holds `a`.
fn index(text: &str) -> String {
    let scratch = Scratch::new();
    scratch.write("one.safetensors", file(&format!(r#"{{"a":{}}}"#, tensor("F32", "[1]", 0, 4)), 4));
    scratch.write("model.safetensors.index.json", text);
    match Checkpoint::open(scratch.path(), &["model"]) {
        Ok(_) => "it opened".into(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_index_that_lists_itself() {
    let told = index(r#"{"weight_map":{"a":"model.safetensors.index.json"}}"#);
    assert_told(&told, &["model.safetensors.index.json", "not a safetensors file"]);
}

#[test]
fn an_index_that_leads_out_of_its_folder() {
    for shard in [
        "../one.safetensors",
        "/etc/passwd",
        "a/../one.safetensors",
        "..",
        "",
        "a\\\\b",
        "one.safetensors\\u0000",
    ] {
        let told = index(&format!(r#"{{"weight_map":{{"a":"{shard}"}}}}"#));
        assert_told(&told, &["model.safetensors.index.json", "own folder"]);
    }
}

#[test]
fn an_index_that_is_not_what_the_shards_hold() {
    let says = |text: &str, part: &str| assert_told(&index(text), &["model.safetensors.index.json", part]);
    says(r#"{"weight_map":{"b":"one.safetensors"}}"#, "`b` in `one.safetensors`");
    says(r#"{"weight_map":{"a":"two.safetensors"}}"#, "`two.safetensors`");
    says(r#"{"weight_map":{}}"#, "empty");
    says("{}", "`weight_map`");
    says("[]", "invalid");
    says(r#"{"weight_map":{"a":"\udc00"}}"#, "hex escape");
    says(&"[".repeat(100_000), "line 1");
    assert_eq!(index(r#"{"weight_map":{"a":"one.safetensors"}}"#), "it opened");
}

#[test]
fn an_index_of_a_hundred_thousand_shards() {
    let mut map = String::from(r#"{"weight_map":{"#);
    for i in 0..100_000 {
        map.push_str(&format!(r#""t{i}":"s{i}.safetensors","#));
    }
    map.push_str(r#""a":"one.safetensors"}}"#);
    in_seconds(20, || assert_told(&index(&map), &["shard `s0.safetensors`", "download"]));
}
