//! The folders in which libraries are looked for.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use tintype_gpu::driver::{entries, existing, matching};

/// What of the process and the machine says where libraries may be.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    /// `LD_LIBRARY_PATH`
    pub(super) loader: Vec<PathBuf>,
    /// `CUDA_HOME` and `CUDA_PATH`
    pub(super) toolkits: Vec<PathBuf>,
    /// `VIRTUAL_ENV` and `CONDA_PREFIX`
    pub(super) environments: Vec<PathBuf>,
    /// `PATH`
    pub(super) programs: Vec<PathBuf>,
    /// `HOME`
    pub(super) home: Option<PathBuf>,
    /// The root of the file system.
    pub(super) root: PathBuf,
}

impl Surroundings {
    /// Those of this process.
    pub(super) fn of_process() -> Self {
        let list = |name: &str| {
            let value = env::var_os(name).unwrap_or_default();
            env::split_paths(&value).filter(|path| path.is_absolute()).collect::<Vec<_>>()
        };
        let each = |names: [&str; 2]| names.iter().flat_map(|name| list(name).into_iter().take(1)).collect();
        Self {
            loader: list("LD_LIBRARY_PATH"),
            toolkits: each(["CUDA_HOME", "CUDA_PATH"]),
            environments: each(["VIRTUAL_ENV", "CONDA_PREFIX"]),
            programs: list("PATH"),
            home: list("HOME").into_iter().next(),
            root: "/".into(),
        }
    }

    /// Where the driver's own library may be.
    pub(super) fn driver_folders(&self) -> Vec<PathBuf> {
        let mut folders = self.loader.clone();
        folders.extend(
            [
                "usr/lib/x86_64-linux-gnu",
                "usr/lib/aarch64-linux-gnu",
                "usr/lib64",
                "usr/lib",
                "usr/local/nvidia/lib64",
                "usr/lib/wsl/lib",
                "run/opengl-driver/lib",
            ]
            .map(|folder| self.root.join(folder)),
        );
        existing(folders)
    }

    /// Where libraries of the toolkit and of Python packages may be, best first: what the user points at, then the
    /// machine's, then Python's.
    pub(super) fn library_folders(&self) -> Vec<PathBuf> {
        let mut folders = self.loader.clone();
        let mut toolkits = self.toolkits.clone();
        let mut installed = matching(&self.root.join("usr/local"), "cuda");
        // `cuda` is the link to the version that the machine prefers; versions follow, newest first.
        installed.sort_by(|a, b| (b.ends_with("cuda"), b).cmp(&(a.ends_with("cuda"), a)));
        toolkits.extend(installed);
        for toolkit in &toolkits {
            folders.push(toolkit.join("lib64"));
            folders.push(toolkit.join("lib"));
            folders.extend(entries(&toolkit.join("targets")).into_iter().map(|target| target.join("lib")));
        }
        folders.extend(
            ["usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64"]
                .map(|folder| self.root.join(folder)),
        );
        for prefix in &self.environments {
            folders.push(prefix.join("lib"));
        }
        for packages in self.python_packages() {
            let nvidia = entries(&packages.join("nvidia"));
            folders.extend(nvidia.into_iter().map(|package| package.join("lib")));
            folders.push(packages.join("torch/lib"));
        }
        existing(folders)
    }

    /// Folders of Python packages: of the active environment, of each Python on the path, of the user.
    fn python_packages(&self) -> Vec<PathBuf> {
        let mut prefixes = self.environments.clone();
        for folder in &self.programs {
            for name in ["python3", "python"] {
                let program = folder.join(name);
                if !program.exists() {
                    continue;
                }
                // An environment's `python3` is a link to the Python that it was made from; its packages lie beside the
                // link, the other's beside the target.
                let target = fs::canonicalize(&program).ok();
                prefixes.extend(prefix_of(&program));
                prefixes.extend(target.as_deref().and_then(prefix_of));
            }
        }
        prefixes.extend(self.home.as_ref().map(|home| home.join(".local")));
        let mut found = Vec::new();
        for prefix in prefixes {
            for lib in ["lib", "lib64", "local/lib"] {
                for python in matching(&prefix.join(lib), "python3") {
                    found.push(python.join("site-packages"));
                    found.push(python.join("dist-packages"));
                }
            }
        }
        existing(found)
    }
}

/// `PREFIX` of `PREFIX/bin/python3`.
fn prefix_of(program: &Path) -> Option<PathBuf> {
    program.parent()?.parent().map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(root: &Path, path: &str) -> PathBuf {
        let path = root.join(path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn what_the_user_points_at_comes_before_the_machine_and_python() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path();
        let expected = [
            folder(root, "mine"),
            folder(root, "toolkit/lib64"),
            folder(root, "usr/local/cuda/targets/sbsa-linux/lib"),
            folder(root, "usr/local/cuda-13.0/lib64"),
            folder(root, "usr/local/cuda-12.8/lib64"),
            folder(root, "usr/lib/x86_64-linux-gnu"),
            folder(root, "venv/lib"),
            folder(root, "venv/lib/python3.12/site-packages/nvidia/cu13/lib"),
            folder(root, "venv/lib/python3.12/site-packages/nvidia/cudnn/lib"),
            folder(root, "venv/lib/python3.12/site-packages/torch/lib"),
        ];
        let surroundings = Surroundings {
            loader: vec![root.join("mine"), root.join("absent")],
            toolkits: vec![root.join("toolkit")],
            environments: vec![root.join("venv")],
            root: root.to_path_buf(),
            ..Surroundings::default()
        };
        assert_eq!(surroundings.library_folders(), expected);
    }

    #[test]
    fn packages_lie_beside_the_python_on_the_path_and_beside_what_it_links_to() {
        let temp = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(temp.path()).unwrap();
        let bin = folder(&root, "env/bin");
        let real = folder(&root, "real/bin").join("python3");
        fs::write(&real, "").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&real, bin.join("python3")).unwrap();
        let expected = [
            folder(&root, "env/lib/python3.11/site-packages/nvidia/cuda_nvrtc/lib"),
            folder(&root, "real/lib/python3.11/dist-packages/torch/lib"),
        ];
        let surroundings = Surroundings { programs: vec![bin], root, ..Surroundings::default() };
        assert_eq!(surroundings.library_folders(), expected);
    }

    #[test]
    fn the_driver_is_not_looked_for_among_toolkits_whose_stubs_bear_its_name() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path();
        folder(root, "usr/local/cuda/lib64/stubs");
        let expected = [folder(root, "usr/lib64")];
        let surroundings = Surroundings { root: root.to_path_buf(), ..Surroundings::default() };
        assert_eq!(surroundings.driver_folders(), expected);
    }
}
