//! Folders of PNG images, one folder per class.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::png_image;

/// The images under `<folder>/<class>/`, class by class in the order of `classes` and by name within a class: their
/// pixels `[N, channels, height, width]` and labels.
///
/// # Errors
/// The file, and what is wrong with it.
pub(crate) fn read(
    folder: &Path,
    classes: &[String],
    shape: [usize; 3],
) -> Result<(Vec<u8>, Vec<u32>), (PathBuf, String)> {
    let mut files = Vec::new();
    for (class, label) in classes.iter().zip(0u32..) {
        let names = images(&folder.join(class))?;
        if names.is_empty() {
            return Err((folder.join(class), "no PNG images in it".to_owned()));
        }
        files.extend(names.into_iter().map(|path| (path, label)));
    }
    let image_len = shape.iter().product::<usize>();
    let mut pixels = vec![0; files.len() * image_len];
    pixels.par_chunks_exact_mut(image_len).zip(&files).try_for_each_init(
        Vec::new,
        |scratch, (target, (path, _))| {
            let bytes = std::fs::read(path).map_err(|error| (path.clone(), error.to_string()))?;
            png_image::decode(&bytes, shape, target, scratch)
                .map_err(|reason| (path.clone(), reason))
        },
    )?;
    Ok((pixels, files.into_iter().map(|(_, label)| label).collect()))
}

/// The classes of a folder: the names of the folders in it.
pub(crate) fn classes(folder: &Path) -> Result<Vec<String>, (PathBuf, String)> {
    let folders = entries(folder)?.into_iter().filter(|path| path.is_dir());
    let names: Vec<String> = folders.map(|path| name(&path)).collect();
    if names.is_empty() {
        return Err((
            folder.to_owned(),
            "no folders in it; wanted is one for each class".to_owned(),
        ));
    }
    Ok(names)
}

/// Channels, height and width of the first image.
pub(crate) fn shape(folder: &Path, classes: &[String]) -> Result<[usize; 3], (PathBuf, String)> {
    for class in classes {
        if let Some(path) = images(&folder.join(class))?.into_iter().next() {
            let bytes = std::fs::read(&path).map_err(|error| (path.clone(), error.to_string()))?;
            return png_image::shape(&bytes).map_err(|reason| (path, reason));
        }
    }
    Err((folder.to_owned(), "no PNG images in it".to_owned()))
}

/// Whether an image would be passed over: beside the folders of the classes, or in a folder within one of them.
pub(crate) fn check(folder: &Path) -> Result<(), (PathBuf, String)> {
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) =
        entries(folder)?.into_iter().partition(|path| path.is_dir());
    if let Some(path) =
        files.into_iter().find(|path| ends_in(path, &["png"]) || is_other_image(path))
    {
        return Err((path, "an image in no folder of a class".to_owned()));
    }
    for class in folders {
        if let Some(path) = entries(&class)?.into_iter().find(|path| path.is_dir()) {
            return Err((path, "a folder within that of a class".to_owned()));
        }
    }
    Ok(())
}

/// The PNG files of a folder, by name. Images of another kind are an error: without them the classes would have another
/// balance than the folders.
fn images(folder: &Path) -> Result<Vec<PathBuf>, (PathBuf, String)> {
    let paths = entries(folder)?;
    let others: Vec<&PathBuf> = paths.iter().filter(|path| is_other_image(path)).collect();
    if let Some(first) = others.first() {
        let more = match others.len() {
            1 => String::new(),
            n => format!(", and {} more like it there", n - 1),
        };
        return Err(((*first).clone(), format!("an image that is no PNG{more}: convert it")));
    }
    Ok(paths.into_iter().filter(|path| ends_in(path, &["png"])).collect())
}

/// What is in a folder, by name, without what systems and programs put there for themselves: names that begin with a dot
/// (`.git`, `.ipynb_checkpoints`, `._1.png` of macOS) and `__MACOSX`.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, (PathBuf, String)> {
    let text = |error: std::io::Error| (folder.to_owned(), error.to_string());
    let entries = std::fs::read_dir(folder).map_err(text)?;
    let paths: std::io::Result<Vec<PathBuf>> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let is_hidden = |path: &PathBuf| name(path).starts_with('.') || name(path) == "__MACOSX";
    let mut paths: Vec<PathBuf> =
        paths.map_err(text)?.into_iter().filter(|path| !is_hidden(path)).collect();
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_other_image(path: &Path) -> bool {
    const KINDS: [&str; 14] = [
        "jpg", "jpeg", "jfif", "jp2", "gif", "bmp", "tif", "tiff", "webp", "avif", "heic", "ppm",
        "pgm", "tga",
    ];
    ends_in(path, &KINDS)
}

fn ends_in(path: &Path, ends: &[&str]) -> bool {
    let end = path.extension().and_then(|end| end.to_str());
    end.is_some_and(|end| ends.iter().any(|known| end.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::super::png_image::tests::encode;
    use super::*;
    use png::ColorType;

    #[test]
    fn classes_and_names_in_order() {
        let dir = tempfile::tempdir().unwrap();
        for (name, pixels) in [("dog/b.png", [1, 2]), ("cat/z.png", [3, 4]), ("dog/a.PNG", [5, 6])]
        {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, encode(ColorType::Grayscale, [1, 2], &pixels)).unwrap();
        }
        std::fs::write(dir.path().join("dog/readme.txt"), "no image").unwrap();
        let classes = ["dog".to_owned(), "cat".to_owned()];
        let found = read(dir.path(), &classes, [1, 1, 2]).unwrap();
        assert_eq!(found, (vec![5, 6, 1, 2, 3, 4], vec![0, 0, 1]));
        let (path, reason) = read(dir.path(), &classes, [1, 2, 2]).unwrap_err();
        assert!(path.starts_with(dir.path()) && reason == "1 × 2 pixels, not 2 × 2", "{reason}");
        let missing = read(dir.path(), &["bird".to_owned()], [1, 1, 2]).unwrap_err();
        assert!(missing.0.ends_with("bird"));
    }

    /// Grey images of 1 × 2 pixels, and files of other kinds.
    fn folder(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, encode(ColorType::Grayscale, [1, 2], &[1, 2])).unwrap();
        }
        dir
    }

    #[test]
    fn what_systems_leave_behind_is_no_class_and_no_sample() {
        let dir = folder(&[
            ".ipynb_checkpoints/0-checkpoint.png",
            ".git/x",
            "__MACOSX/bird/._1.png",
            "bird/1.png",
            "cat/._1.png",
            "cat/.ipynb_checkpoints/1-checkpoint.png",
            "cat/1.png",
        ]);
        check(dir.path()).unwrap();
        let classes = classes(dir.path()).unwrap();
        assert_eq!(classes, ["bird", "cat"]);
        let (pixels, labels) = read(dir.path(), &classes, [1, 1, 2]).unwrap();
        assert_eq!((pixels, labels), (vec![1, 2, 1, 2], vec![0, 1]));
    }

    #[test]
    fn images_that_would_be_passed_over_are_refused() {
        let dir = folder(&["bird/1.png", "cat/1.png", "cat/3.JPG", "cat/4.jpeg", "notes.txt"]);
        check(dir.path()).unwrap();
        let (path, reason) = read(dir.path(), &["cat".to_owned()], [1, 1, 2]).unwrap_err();
        assert_eq!(path, dir.path().join("cat/3.JPG"));
        assert_eq!(reason, "an image that is no PNG, and 1 more like it there: convert it");
        let refused = |name: &str| {
            let dir = folder(&["bird/1.png", name]);
            let (path, reason) = check(dir.path()).unwrap_err();
            (path.strip_prefix(dir.path()).unwrap().to_owned(), reason)
        };
        assert_eq!(refused("2.png"), ("2.png".into(), "an image in no folder of a class".into()));
        let within = "a folder within that of a class";
        assert_eq!(refused("bird/more/2.png"), ("bird/more".into(), within.into()));
    }
}
