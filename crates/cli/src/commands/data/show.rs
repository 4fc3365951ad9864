//! `data show`: one data set, described, with a picture.

use std::path::{Path, PathBuf};

use candle_core::Device;
use train::data::{Card, DataSpec, Layout, candidates, load};
use train::write_atomic;

use super::{description, picture};
use crate::failure::Failure;
use crate::plot::number::significant;
use crate::terminal::{aligned, print};

/// Describes a data set; images go to a contact sheet, tables to a line per feature.
pub fn run(name: &str, directory: Option<&Path>, sheet: Option<&Path>) -> Result<(), Failure> {
    let card = Card::find(name)?;
    let columns = match card.image {
        Some(_) => None,
        None => Some(train::data::features(&card, directory)?),
    };
    print(&format!("{}\n  {}\n  {}\n", card.title, card.notes, card.citation))?;
    if let Some(candidate) = candidates(&card, directory, true).first() {
        print(&description(&card, &candidate.verify()?))?;
    }
    if let Some(image) = card.image {
        let spec = DataSpec {
            standardise: false,
            part: true,
            directory: directory.map(Path::to_owned),
            ..DataSpec::embedded(name)
        };
        let data = load(&spec, &Device::Cpu)?;
        let path = sheet.map_or_else(|| PathBuf::from(format!("{name}.png")), Path::to_owned);
        write_atomic(&path, &picture::contact_sheet(&data, image)?)
            .map_err(|error| Failure::BadInput(format!("--picture {error}")))?;
        return print(&format!("  contact sheet, one row per class: {}\n", path.display()));
    }
    if card.sources.iter().any(|source| source.layout == Layout::Cola) {
        return Ok(());
    }
    print(&format!("\n{}", features(&card, columns.unwrap_or_default())))
}

/// Mean, deviation and quantiles of each feature over the training set.
fn features(card: &Card, columns: Vec<Vec<f64>>) -> String {
    let header = [
        "feature",
        "mean",
        "deviation",
        "least",
        "lower quartile",
        "median",
        "upper quartile",
        "most",
        "values",
    ];
    let rows = columns.into_iter().enumerate().map(|(feature, mut column)| {
        column.sort_by(f64::total_cmp);
        let n = column.len() as f64;
        let mean = column.iter().sum::<f64>() / n;
        let squares = column.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        let quantile = |p| stats::quantile(&column, p);
        let figures = [
            mean,
            (squares / n).sqrt(),
            quantile(0.),
            quantile(0.25),
            quantile(0.5),
            quantile(0.75),
            quantile(1.),
        ];
        let distinct = 1 + column.windows(2).filter(|pair| pair[0] != pair[1]).count();
        let figures = figures.map(|figure| significant(figure, 4));
        let name = card.columns.get(feature).cloned();
        [
            vec![name.unwrap_or_else(|| (feature + 1).to_string())],
            figures.to_vec(),
            vec![distinct.to_string()],
        ]
        .concat()
    });
    aligned(&header, &rows.collect::<Vec<_>>())
}
