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
    let entries =
        std::fs::read_dir(folder).map_err(|error| (folder.to_owned(), error.to_string()))?;
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> =
        folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
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

/// The PNG files of a folder, by name.
fn images(folder: &Path) -> Result<Vec<PathBuf>, (PathBuf, String)> {
    let text = |error: std::io::Error| (folder.to_owned(), error.to_string());
    let entries = std::fs::read_dir(folder).map_err(text)?;
    let paths: std::io::Result<Vec<PathBuf>> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let is_png =
        |path: &PathBuf| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("png"));
    let mut paths: Vec<PathBuf> = paths.map_err(text)?.into_iter().filter(is_png).collect();
    paths.sort();
    Ok(paths)
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
}
