//! Gives the shared library the name under which vendor libraries open the CUDA driver.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Once this file is loaded by its full path, a later dlopen("libcuda.so.1") finds it by this name.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libcuda.so.1");
}
