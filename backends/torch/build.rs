//! Tells where libtorch lies: this crate's tests, which have to find it, and those who link with this crate.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // What torch-sys has found; nothing where the crate is built without libtorch.
    println!("cargo::rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    println!("cargo::metadata=libtorch_lib={folder}");
    if std::env::var_os("CARGO_CFG_UNIX").is_some() {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
