//! Folders of the user.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where data sets are looked for, each in a folder of its own name: those that `NOISESCOPE_DATA` lists, then
/// [`imported`].
pub fn data_folders() -> Vec<PathBuf> {
    let listed = std::env::var_os("NOISESCOPE_DATA").unwrap_or_default();
    let listed = std::env::split_paths(&listed).filter(|path| !path.as_os_str().is_empty());
    listed.map(|path| expanded(&path)).chain(imported()).collect()
}

/// A path that may begin with `~`, which a shell does not expand in a file or in a variable.
pub(super) fn expanded(path: &Path) -> PathBuf {
    let rest = path.strip_prefix("~").ok().zip(std::env::var_os("HOME"));
    rest.map_or_else(|| path.to_owned(), |(rest, home)| Path::new(&home).join(rest))
}

/// Where imported data are kept: `$XDG_DATA_HOME/noisescope`, else `~/.local/share/noisescope`.
pub fn imported() -> Option<PathBuf> {
    folder("XDG_DATA_HOME", ".local/share")
}

/// Where decoded images are kept: `$XDG_CACHE_HOME/noisescope`, else `~/.cache/noisescope`. It may be deleted at any
/// time.
pub fn cache() -> Option<PathBuf> {
    folder("XDG_CACHE_HOME", ".cache")
}

fn folder(variable: &str, in_home: &str) -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
    let base = set(variable).map(PathBuf::from);
    let base = base.or_else(|| Some(PathBuf::from(set("HOME")?).join(in_home)))?;
    Some(base.join("noisescope"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home() {
        let home = PathBuf::from(std::env::var_os("HOME").expect("HOME is set"));
        assert_eq!(expanded(Path::new("~/data/mnist")), home.join("data/mnist"));
        assert_eq!(expanded(Path::new("~")), home);
        for path in ["/data/~", "data", "~other/data"] {
            assert_eq!(expanded(Path::new(path)), Path::new(path));
        }
    }
}
