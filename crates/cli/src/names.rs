//! What files are called.

use std::path::{Path, PathBuf};

/// `out.png` with more before its extension: `out-seed7.png`.
pub(crate) fn with(path: &Path, more: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
    path.with_file_name(format!("{stem}{more}{extension}"))
}

/// `out.png`, or `out-0.png`, `out-1.png` and so on for several.
pub(crate) fn numbered(path: &Path, count: usize) -> Vec<PathBuf> {
    match count {
        0 | 1 => vec![path.to_path_buf()],
        _ => (0..count).map(|i| with(path, &format!("-{i}"))).collect(),
    }
}

/// Where a picture's previews go.
pub(crate) fn preview(path: &Path) -> PathBuf {
    path.with_extension("preview.png")
}

/// Where a picture's latents go if it cannot be finished.
pub(crate) fn latents(path: &Path) -> PathBuf {
    path.with_extension("latents.safetensors")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_pictures_get_numbers() {
        let names = |path, count| numbered(Path::new(path), count);
        assert_eq!(names("a/out.png", 1), [Path::new("a/out.png")]);
        assert_eq!(names("a/out.png", 2), [Path::new("a/out-0.png"), Path::new("a/out-1.png")]);
        assert_eq!(with(Path::new("a.b/c.d.jpg"), "-seed7"), Path::new("a.b/c.d-seed7.jpg"));
        assert_eq!(preview(Path::new("a/c.d.jpg")), Path::new("a/c.d.preview.png"));
    }
}
