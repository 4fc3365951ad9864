//! `data fetch`: downloads from the Hugging Face hub, several files at once.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use train::TrainError;
use train::data::{Card, HubFile, candidates, fetch};

use super::description;
use crate::failure::Failure;
use crate::interrupt;
use crate::terminal::print;

/// Downloads and verifies; what is here already is not downloaded again.
pub fn run(names: &[String]) -> Result<(), Failure> {
    let cards = names.iter().map(|name| Card::find(name)).collect::<Result<Vec<_>, _>>()?;
    let files = cards.iter().map(|card| {
        let source = card.sources.iter().find(|source| source.hub.is_some());
        let source = source.ok_or_else(|| {
            Failure::BadInput(format!(
                "{}: the Hugging Face hub does not have it; it comes from {}",
                card.name, card.origin
            ))
        })?;
        Ok(source.hub_files())
    });
    let files: Vec<HubFile<'_>> =
        files.collect::<Result<Vec<_>, Failure>>()?.into_iter().flatten().collect();
    let bars = MultiProgress::new();
    let style = "{prefix} {bar:28} {bytes}/{total_bytes} {bytes_per_sec} [{eta} left]";
    let style = ProgressStyle::with_template(style).expect("the template is valid");
    let style = style.progress_chars("━╸ ");
    let download = |file: &HubFile<'_>| -> Result<(), TrainError> {
        let bar = bars.add(ProgressBar::new(file.bytes.unwrap_or(0)).with_style(style.clone()));
        bar.set_prefix(file.path.to_owned());
        let progress = |done: u64, total: u64| {
            bar.set_length(total);
            bar.set_position(done);
            interrupt::flow()
        };
        let fetched = fetch(file, &progress);
        bar.finish_and_clear();
        fetched.map(drop)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = files.iter().map(|file| scope.spawn(|| download(file))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("downloads don't panic"))
    })?;
    for card in &cards {
        for candidate in candidates(card, None, true) {
            print(&description(card, &candidate.verify()?))?;
        }
    }
    Ok(())
}
