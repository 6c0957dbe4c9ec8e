//! Lowering without a library or a device.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use tintype_accel::LaunchMode;
use tintype_accel::Support;
use tintype_conformance::cases;
use tintype_gaudi::{AttentionKind, Options, coverage, outline};
use tintype_program::{Attribute, DType, Op, Program, TensorType};

#[test]
fn every_case_of_the_suite_becomes_recipes_in_every_mode() {
    let mut failed = Vec::new();
    for attention in [AttentionKind::Fused, AttentionKind::Retained, AttentionKind::Composed] {
        let mut options = Options::default();
        options.attention = attention;
        for case in cases::all().unwrap() {
            for launch in LaunchMode::ALL {
                match outline(&case.program, launch, &options) {
                    Ok(_) => {}
                    // The operations that the plugin does not take: what the nodes do with integers is not known.
                    Err(error) if error.to_string().contains("is not known") => {
                        let refused = ["binary i32 Mul ", "binary i32 Div "];
                        let refused = refused.iter().any(|start| case.name.starts_with(start));
                        assert!(refused, "{}: {error}", case.name);
                    }
                    Err(error) => failed.push(format!("{} {launch}: {error}", case.name)),
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} failed: {:#?}", failed.len(), &failed[..failed.len().min(20)]);
}

/// A node's name with `T` for the type at its end.
fn without_type(guid: &str) -> String {
    let typed = DType::ALL.iter().find_map(|dtype| guid.strip_suffix(&format!("_{}", dtype.name())));
    match typed {
        Some(base) if base.starts_with("cast_") => "cast_S_to_T".into(),
        Some(base) => format!("{base}_T"),
        None => guid.into(),
    }
}

/// The table of docs/gaudi.md: each operation of the suite's one-operation Programs, what becomes of it, and its nodes.
fn table() -> String {
    let mut rows: BTreeMap<String, (BTreeSet<&str>, BTreeSet<String>)> = BTreeMap::new();
    for attention in [AttentionKind::Fused, AttentionKind::Retained, AttentionKind::Composed] {
        let mut options = Options::default();
        options.attention = attention;
        for case in cases::all().unwrap() {
            let [node] = &case.program.entry().nodes[..] else { continue };
            let operation = match (&node.op, attention) {
                (Op::Call { .. } | Op::Elementwise { .. }, _) => continue,
                (op, AttentionKind::Fused) => op.kind().to_string(),
                (Op::Attention { .. }, kind) => format!("attention, {kind:?}").to_lowercase(),
                _ => continue,
            };
            let (how, guids) = rows.entry(operation).or_default();
            let support = &coverage(&case.program, &options).ops[0].support;
            how.insert(match support {
                Support::Native => "native",
                Support::Decomposed => "decomposed",
                Support::Unsupported(_) => "integers unsupported",
            });
            let Ok(text) = outline(&case.program, LaunchMode::Compiled, &options) else { continue };
            let nodes = text.lines().filter_map(|line| line.strip_prefix("  "));
            guids.extend(nodes.map(|line| without_type(line.split_whitespace().next().unwrap())));
        }
    }
    let mut table = String::from("| operation | what becomes of it | nodes |\n|---|---|---|\n");
    for (operation, (how, guids)) in rows {
        let list = |set: Vec<String>| set.join(", ");
        let how = list(how.into_iter().map(String::from).collect());
        let guids = list(guids.into_iter().map(|guid| format!("`{guid}`")).collect());
        writeln!(table, "| {operation} | {how} | {guids} |").unwrap();
    }
    table
}

#[test]
fn the_table_of_operations_is_true() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/gaudi.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (start, end) = ("<!-- operations -->\n", "<!-- end of operations -->");
    let (before, rest) = text.split_once(start).unwrap();
    let (held, after) = rest.split_once(end).unwrap();
    let table = table();
    if std::env::var_os("TINTYPE_WRITE_GOLDEN").is_some() {
        std::fs::write(&file, format!("{before}{start}{table}{end}{after}")).unwrap();
    } else {
        assert_eq!(held, table, "write it anew with TINTYPE_WRITE_GOLDEN=1");
    }
}

#[test]
fn a_custom_operation_is_one_node_where_a_kernel_is_registered() {
    let program = Program::trace("custom", |scope| {
        let x = scope.input("x", TensorType::new(DType::Bf16, [3, 4]))?;
        let attributes = [("factor".to_string(), Attribute::Float(0.5))].into();
        let y = scope.custom("acme.glow", attributes, &[&x], |_, x| Ok(vec![x[0].silu()?]))?;
        scope.output("y", &y[0])
    });
    let program = program.unwrap();
    let plain = outline(&program, LaunchMode::Compiled, &Options::default()).unwrap();
    assert!(plain.contains("silu_fwd_bf16") && !plain.contains("acme"), "{plain}");
    let params = |attributes: &BTreeMap<String, Attribute>| match attributes.get("factor") {
        Some(Attribute::Float(factor)) => Ok((*factor as f32).to_le_bytes().to_vec()),
        _ => Err("it has no factor".to_string()),
    };
    let options = Options::default().kernel("acme.glow", "acme_glow_fwd_{dtype}", Arc::new(params));
    let own = outline(&program, LaunchMode::Compiled, &options).unwrap();
    assert!(own.contains("1 nodes") && own.contains("acme_glow_fwd_bf16"), "{own}");
    assert_eq!(coverage(&program, &options).ops[0].support, Support::Native);
}
