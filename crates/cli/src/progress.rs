//! Progress of long work: bars on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Seconds between two lines where there is no terminal.
const INTERVAL: Duration = Duration::from_secs(10);

/// A piece of work that lasts.
pub struct Task {
    name: &'static str,
    bar: ProgressBar,
    plain: Option<Mutex<Instant>>,
    started: Instant,
}

impl Task {
    /// Begins a task of `total` units, or of unknown length.
    pub fn begin(name: &'static str, total: Option<u64>) -> Self {
        let started = Instant::now();
        if !std::io::stderr().is_terminal() {
            let bar = ProgressBar::hidden();
            bar.set_length(total.unwrap_or(0));
            return Self { name, bar, plain: Some(Mutex::new(started)), started };
        }
        let template = match total {
            Some(_) => "{prefix:>9} {bar:28} {pos}/{len} {msg} [{elapsed}, {eta} left]",
            None => "{prefix:>9} {spinner} {msg} [{elapsed}]",
        };
        let style = ProgressStyle::with_template(template).expect("both templates are valid");
        let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        bar.set_style(style.progress_chars("━╸ "));
        bar.set_prefix(name);
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { name, bar, plain: None, started }
    }

    /// One more unit is done.
    pub fn advance(&self) {
        self.bar.inc(1);
        self.say(|| format!("{}/{}", self.bar.position(), self.bar.length().unwrap_or(0)));
    }

    /// How far the work is, in words.
    pub fn note(&self, message: impl Fn() -> String) {
        match self.plain {
            Some(_) => self.say(message),
            None => self.bar.set_message(message()),
        }
    }

    /// Ends the task with a line that stays.
    pub fn finish(self, outcome: &str) {
        let elapsed = self.elapsed();
        self.bar.finish_and_clear();
        eprintln!("{:>9} {outcome} ({elapsed:.1} s)", self.name);
    }

    /// Seconds since it began.
    pub fn elapsed(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn say(&self, message: impl Fn() -> String) {
        let Some(last_line) = &self.plain else { return };
        let mut last_line = last_line.lock().expect("no panic while it is held");
        if last_line.elapsed() >= INTERVAL {
            *last_line = Instant::now();
            eprintln!("{:>9} {}", self.name, message());
        }
    }
}

impl Drop for Task {
    /// Leaves no half bar behind when work ends in an error.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
