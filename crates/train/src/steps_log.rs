//! `steps.csv`: one line per evaluation, appended while training.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::TrainError;
use crate::run_dir::write_atomic;
use crate::table::Table;
use crate::trainer::EvaluationRow;

const HEADER: &str =
    "step,epoch,learning_rate,batch_size,loss,gradient_norm,accuracy,test_loss,test_accuracy";

/// An open `steps.csv`.
pub struct StepsLog {
    path: PathBuf,
    file: File,
}

impl StepsLog {
    /// Opens the log of a run that stands at `step`: later lines, of a start that was killed, are dropped.
    pub fn open(path: &Path, step: u64) -> Result<Self, TrainError> {
        let kept = fs::read_to_string(path).unwrap_or_default();
        // A line without its newline was cut by a kill.
        let kept = kept.split_inclusive('\n').filter(|line| {
            let line_step = line.split(',').next().and_then(|cell| cell.parse::<u64>().ok());
            line.ends_with('\n') && step > 0 && line_step.is_some_and(|line_step| line_step <= step)
        });
        let text = format!("{HEADER}\n{}", kept.collect::<String>());
        write_atomic(path, text.as_bytes())?;
        let file = OpenOptions::new().append(true).open(path).map_err(TrainError::io(path))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// What is in the log.
    pub fn table(&self) -> Result<Table, TrainError> {
        read(&self.path)
    }

    /// Appends one evaluation.
    pub fn append(&mut self, row: &EvaluationRow) -> Result<(), TrainError> {
        let line = to_table(&[*row]).to_csv();
        let line = line.split_once('\n').expect("a header and a row").1;
        self.file.write_all(line.as_bytes()).map_err(TrainError::io(&self.path))
    }
}

/// Evaluations as a table with the columns of `steps.csv`.
pub fn to_table(rows: &[EvaluationRow]) -> Table {
    Table::new()
        .with_integers("step", rows.iter().map(|row| row.step as i64))
        .with_integers("epoch", rows.iter().map(|row| row.epoch as i64))
        .with_reals("learning_rate", rows.iter().map(|row| row.learning_rate))
        .with_integers("batch_size", rows.iter().map(|row| row.batch_size as i64))
        .with_reals("loss", rows.iter().map(|row| row.loss))
        .with_reals("gradient_norm", rows.iter().map(|row| row.gradient_norm))
        .with_reals("accuracy", rows.iter().map(|row| row.accuracy))
        .with_reals("test_loss", rows.iter().map(|row| row.test_loss))
        .with_reals("test_accuracy", rows.iter().map(|row| row.test_accuracy))
}

/// Reads `steps.csv` back; a last line that was cut is left out.
pub fn read(path: &Path) -> Result<Table, TrainError> {
    let text = fs::read_to_string(path).map_err(TrainError::io(path))?;
    let mut rows = Vec::new();
    for (line_idx, line) in text.split_inclusive('\n').enumerate().skip(1) {
        let Some(line) = line.strip_suffix('\n') else { break };
        let row = parse(line).ok_or_else(|| {
            let reason = format!("line {} is not an evaluation", line_idx + 1);
            TrainError::data(path.display().to_string(), reason)
        })?;
        rows.push(row);
    }
    Ok(to_table(&rows))
}

fn parse(line: &str) -> Option<EvaluationRow> {
    let cells: Vec<&str> = line.split(',').collect();
    let real = |idx: usize| cells.get(idx)?.parse::<f64>().ok();
    Some(EvaluationRow {
        step: cells.first()?.parse().ok()?,
        epoch: cells.get(1)?.parse().ok()?,
        learning_rate: real(2)?,
        batch_size: cells.get(3)?.parse().ok()?,
        loss: real(4)?,
        gradient_norm: real(5)?,
        accuracy: real(6)?,
        test_loss: real(7)?,
        test_accuracy: real(8)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(step: u64) -> EvaluationRow {
        EvaluationRow {
            step,
            epoch: step / 3,
            learning_rate: 0.05,
            batch_size: 128,
            loss: 1. / (step + 3) as f64,
            gradient_norm: 0.1,
            accuracy: 0.9,
            test_loss: f64::NAN,
            test_accuracy: f64::NAN,
        }
    }

    #[test]
    fn resuming_drops_later_and_cut_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("steps.csv");
        let write = |from: u64, steps: &[u64]| {
            let mut log = StepsLog::open(&path, from).unwrap();
            steps.iter().for_each(|&step| log.append(&row(step)).unwrap());
        };
        write(0, &[0, 10, 20]);
        let straight = fs::read_to_string(&path).unwrap();
        let mut cut = straight.clone() + "30,1,0.0";
        fs::write(&path, &cut).unwrap();
        assert_eq!(read(&path).unwrap().n_rows(), 3);
        write(10, &[20]);
        assert_eq!(fs::read_to_string(&path).unwrap(), straight);
        cut.clear();
        write(0, &[0]);
        assert_eq!(read(&path).unwrap().to_csv(), to_table(&[row(0)]).to_csv());
    }
}
