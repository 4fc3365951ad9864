//! Finished trials of an unfinished ensemble.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Result, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::exit_time::Exit;

/// One trial: number of the ensemble, seed, and an exit for each basin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Number of the ensemble.
    pub ensemble: usize,
    /// Seed.
    pub seed: u64,
    /// What is known of each basin, in order.
    pub exits: Vec<Exit>,
}

/// A file with one line of JSON for every finished trial, in the order in which they finished.
pub struct Journal {
    file: Mutex<File>,
}

impl Journal {
    /// Opens a journal, or begins one, and reads the trials in it. A last line that was cut off, as it is when the
    /// process is killed, is removed.
    pub fn open(path: &Path) -> Result<(Self, Vec<Trial>)> {
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let text = std::fs::read(path)?;
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let mut trials = Vec::new();
        for line in text[..whole].split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let trial = serde_json::from_slice(line)
                .map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
            trials.push(trial);
        }
        file.set_len(whole as u64)?;
        file.seek(SeekFrom::End(0))?;
        Ok((Self { file: Mutex::new(file) }, trials))
    }

    /// Adds a trial.
    pub fn add(&self, trial: &Trial) -> Result<()> {
        let mut line = serde_json::to_string(trial)?;
        line.push('\n');
        self.file.lock().expect("no thread panicked with it").write_all(line.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit_time::ExitTime;

    #[test]
    fn a_line_that_was_cut_off_is_written_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("escape.jsonl");
        let trial = |seed| {
            let (time, elapsed) = (ExitTime::Exited(3), 0.1 + 0.2);
            let exit = Exit { time, elapsed, coordinate: Some(1), diverged: false };
            Trial { ensemble: 2, seed, exits: vec![exit] }
        };
        let (journal, trials) = Journal::open(&path).unwrap();
        assert!(trials.is_empty());
        (0..3).for_each(|seed| journal.add(&trial(seed)).unwrap());
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
        let (journal, trials) = Journal::open(&path).unwrap();
        assert_eq!(trials, [trial(0), trial(1)]);
        journal.add(&trial(2)).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        std::fs::write(&path, "{}\n").unwrap();
        assert!(Journal::open(&path).is_err());
    }
}
