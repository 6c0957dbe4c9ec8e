//! Has the program find libtorch where it was found to build with, where it is built with one.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DEP_TINTYPE_TORCH_LIBTORCH_LIB");
    let Ok(folder) = std::env::var("DEP_TINTYPE_TORCH_LIBTORCH_LIB") else { return };
    if std::env::var_os("CARGO_CFG_UNIX").is_some() {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
