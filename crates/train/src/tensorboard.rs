//! Evaluations as a TensorBoard event file.
//!
//! The format: records of a length, its checksum, an `Event` in protocol-buffer encoding, its checksum
//! (`tensorflow/core/lib/io/record_writer.cc`, `tensorflow/core/util/event.proto`). The wall time of an event is its step
//! in seconds, so that equal runs have equal files.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::TrainError;
use crate::run_dir::write_atomic;
use crate::table::{Column, Table};

/// The name of an event file, by which TensorBoard finds it.
pub const FILE: &str = "events.out.tfevents.0.noisescope";

/// An open event file.
pub struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    /// Opens a file that holds the rows of a table with a column `step`; what was there before is replaced.
    ///
    /// # Errors
    /// When the file can't be written, or the table has no steps.
    pub fn create(path: &Path, rows: &Table) -> Result<Self, TrainError> {
        let mut bytes = record(&version());
        for event in events(rows)? {
            bytes.extend(record(&event));
        }
        write_atomic(path, &bytes)?;
        let file = OpenOptions::new().append(true).open(path).map_err(TrainError::io(path))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Appends the rows of a table with a column `step`: every column of numbers is a curve of its name.
    ///
    /// # Errors
    /// As [`EventFile::create`].
    pub fn append(&mut self, rows: &Table) -> Result<(), TrainError> {
        let bytes: Vec<u8> = events(rows)?.iter().flat_map(|event| record(event)).collect();
        self.file.write_all(&bytes).map_err(TrainError::io(&self.path))
    }
}

/// A record with its checksums.
fn record(event: &[u8]) -> Vec<u8> {
    let length = (event.len() as u64).to_le_bytes();
    let mut bytes = length.to_vec();
    bytes.extend(masked_checksum(&length).to_le_bytes());
    bytes.extend(event);
    bytes.extend(masked_checksum(event).to_le_bytes());
    bytes
}

fn masked_checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8)
}

/// The first event of a file.
fn version() -> Vec<u8> {
    let mut event = Vec::new();
    put_bytes(&mut event, 3, b"brain.Event:2");
    event
}

/// One event per row: step, and a value for each column of numbers.
fn events(rows: &Table) -> Result<Vec<Vec<u8>>, TrainError> {
    let steps = rows.integers("step")?;
    let event = |(row, &step): (usize, &i64)| {
        let mut summary = Vec::new();
        for (name, column) in rows.columns().iter().filter(|(name, _)| name != "step") {
            let value = match column {
                Column::Real(values) => values[row] as f32,
                Column::Integer(values) => values[row] as f32,
                Column::Text(_) | Column::Flag(_) => continue,
            };
            let mut tagged = Vec::new();
            put_bytes(&mut tagged, 1, name.as_bytes());
            put_key(&mut tagged, 2, 5);
            tagged.extend(value.to_le_bytes());
            put_bytes(&mut summary, 1, &tagged);
        }
        let mut event = Vec::new();
        put_key(&mut event, 1, 1);
        event.extend((step as f64).to_le_bytes());
        put_key(&mut event, 2, 0);
        put_varint(&mut event, step as u64);
        put_bytes(&mut event, 5, &summary);
        event
    };
    Ok(steps.iter().enumerate().map(event).collect())
}

/// The number of a field and how its value is written: 0 varint, 1 eight bytes, 2 with a length, 5 four bytes.
fn put_key(bytes: &mut Vec<u8>, field: u64, wire_type: u64) {
    put_varint(bytes, field << 3 | wire_type);
}

fn put_bytes(bytes: &mut Vec<u8>, field: u64, value: &[u8]) {
    put_key(bytes, field, 2);
    put_varint(bytes, value.len() as u64);
    bytes.extend(value);
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn rows(steps: std::ops::Range<i64>) -> Table {
        Table::new()
            .with_integers("step", steps.clone())
            .with_reals("loss", steps.clone().map(|step| 1. / (step + 1) as f64))
            .with_reals("test_loss", steps.clone().map(|_| f64::NAN))
            .with_integers("epoch", steps.map(|step| step / 300))
    }

    /// The checksum of "123456789" is that of every CRC-32C; a record by hand.
    #[test]
    fn records_by_hand() {
        assert_eq!(crc32c::crc32c(b"123456789"), 0xE306_9283);
        let record = record(b"ab");
        assert_eq!(record.len(), 8 + 4 + 2 + 4);
        assert_eq!((&record[..8], &record[12..14]), (&2u64.to_le_bytes()[..], &b"ab"[..]));
        let mut bytes = Vec::new();
        put_varint(&mut bytes, 300);
        assert_eq!(bytes, [0xAC, 0x02]);
    }

    /// Appended is the same as written at once, and so is a file that is opened again.
    #[test]
    fn equal_rows_are_equal_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let (once, twice) = (dir.path().join("once"), dir.path().join("twice"));
        EventFile::create(&once, &rows(0..5)).unwrap();
        EventFile::create(&twice, &rows(0..2)).unwrap().append(&rows(2..5)).unwrap();
        assert_eq!(std::fs::read(&once).unwrap(), std::fs::read(&twice).unwrap());
        EventFile::create(&once, &rows(0..3)).unwrap().append(&rows(3..5)).unwrap();
        assert_eq!(std::fs::read(&once).unwrap(), std::fs::read(&twice).unwrap());
    }

    /// `PYTHON=… cargo test -p noisescope-train -- --ignored tensorboard`, where that Python has the package tensorboard.
    #[test]
    #[ignore = "needs Python with the package tensorboard"]
    fn tensorboard_reads_what_is_written() {
        let dir = tempfile::tempdir().unwrap();
        EventFile::create(&dir.path().join(FILE), &rows(0..1000)).unwrap();
        let script = "import sys\n\
            from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n\
            events = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0}).Reload()\n\
            assert events.Tags()['scalars'] == ['loss', 'test_loss', 'epoch'], events.Tags()\n\
            loss = events.Scalars('loss')\n\
            assert [e.step for e in loss] == list(range(1000))\n\
            assert all(abs(e.value * (e.step + 1) - 1) < 1e-6 for e in loss)\n\
            assert events.Scalars('epoch')[999].value == 3\n";
        let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
        let status = Command::new(python).args(["-c", script]).arg(dir.path()).status().unwrap();
        assert!(status.success());
    }
}
