//! Gives the shared library the vendor's soname, so that whoever links or opens it sees libSynapse.so.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libSynapse.so");
}
