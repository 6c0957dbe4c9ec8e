//! Gives the shared library the name under which programs open HIP.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libamdhip64.so.7");
}
