//! The model that Tintype has in the box: the files of this crate's own folder, which is in the diffusers layout.
//!
//! Python opens the same folder: `FluxPipeline.from_pretrained("models/emoji")`.

#![forbid(unsafe_code)]

/// Tensors are read where they lie in the program, so a file begins where any element may. Its header has a length that
/// keeps it so.
#[repr(C, align(64))]
struct Aligned<T: ?Sized>(T);

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, {
            static FILE: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!("../", $path)));
            &FILE.0
        })),*]
    };
}

/// The model's files: paths within its folder, and content. None in a build from a tree without the model.
pub static FILES: &[(&str, &[u8])] = files![];

// Nothing is aligned while there is no file.
const _: usize = align_of::<Aligned<u8>>();

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// What lies in the folder beside the model: this crate, and what is for people.
    const BESIDE: [&str; 4] = ["Cargo.toml", "src", "README.md", "target"];

    fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            if BESIDE.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                found.push(name);
            }
        }
    }

    #[test]
    fn every_file_of_the_model_is_listed_and_lies_aligned() {
        let (root, mut found) = (Path::new(env!("CARGO_MANIFEST_DIR")), Vec::new());
        walk(root, root, &mut found);
        found.sort();
        let mut listed: Vec<_> = FILES.iter().map(|(path, _)| path.to_string()).collect();
        listed.sort();
        assert_eq!(listed, found, "list the model's files in `FILES`:\nfiles!{found:#?}");
        assert!(FILES.iter().all(|(_, bytes)| bytes.as_ptr().addr() % 64 == 0));
    }
}
