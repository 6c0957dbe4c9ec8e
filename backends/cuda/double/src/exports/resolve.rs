//! `cuGetProcAddress`: the double's own functions, and on a machine with a GPU all others of the real driver.

use crate::abi::{Answer, Out, Text};
use crate::status::{INVALID_VALUE, NOT_FOUND, refuse};

/// The exported name that an interface of that version means by a name without a suffix.
fn exported(symbol: &str, version: i32) -> String {
    match (symbol, version) {
        ("cuGraphInstantiate", 12000..) => return "cuGraphInstantiateWithFlags".into(),
        ("cuGraphInstantiate", ..11000) | ("cuGetProcAddress", ..12000) => return symbol.into(),
        ("cuEventElapsedTime", ..12080) | ("cuDeviceGetUuid", ..11040) => return symbol.into(),
        ("cuStreamGetCaptureInfo", 13000..) => return "cuStreamGetCaptureInfo_v3".into(),
        // From 13.0 on a form with other parameters, which the double does not have.
        ("cuCtxCreate", 13000..) => return "cuCtxCreate_v4".into(),
        _ => {}
    }
    let second = format!("{symbol}_v2");
    if super::table().iter().any(|(name, _)| *name == second) { second } else { symbol.into() }
}

fn find(symbol: &Text, out: Out<u64>, version: i32) -> Answer {
    let symbol = symbol.get()?;
    if out.is_null() {
        return refuse(INVALID_VALUE, "no room for an address");
    }
    let name = exported(&symbol, version);
    match super::table().iter().find(|(known, _)| *known == name) {
        Some((_, address)) => out.put(*address as u64),
        None => {
            out.put(0)?;
            refuse(NOT_FOUND, format!("the double does not have `{name}`"))
        }
    }
}

/// Where the real driver answered with a function that the double stands for, answers with the double's.
fn substitute(out: Out<u64>) {
    let (Some(address), true) = (out.get(), crate::forward::library().is_some()) else { return };
    let ours = super::table()
        .into_iter()
        .find(|(name, _)| crate::forward::symbol(name).is_some_and(|real| real as u64 == address));
    if let Some((_, wrapper)) = ours {
        out.put_if(wrapper as u64);
    }
}

crate::exports! {
    fn cuGetProcAddress(symbol: Text, out: Out<u64>, version: i32, flags: u64) {
        facts: |ok| format!("symbol={} version={version}", symbol.shown()),
        track: |d| substitute(out),
        emulate: |d| find(&symbol, out, version),
    }

    fn cuGetProcAddress_v2(symbol: Text, out: Out<u64>, version: i32, flags: u64, status: Out<u32>) {
        facts: |ok| format!("symbol={} version={version}", symbol.shown()),
        track: |d| substitute(out),
        emulate: |d| {
            let found = find(&symbol, out, version);
            status.put_if(u32::from(found.is_err()));
            found
        },
    }
}
