//! `noisescope`: from an experiment file to tables, plots and a report.

mod args;
mod arm_differences;
mod columns;
mod commands;
mod experiment;
mod failure;
mod interrupt;
mod overrides;
mod plot;
mod progress;
mod report;
mod run;
mod stages;
mod tables;
mod terminal;
mod theory_verdicts;
mod verdicts;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use failure::Failure;

fn main() -> ExitCode {
    train::keep_freed_memory();
    share_out_threads();
    interrupt::listen();
    let words = std::env::args_os().map(plain_number);
    let args = args::Args::try_parse_from(words).map_err(|error| match error.use_stderr() {
        true => usage(&error),
        false => error.exit(),
    });
    match args.and_then(commands::dispatch) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("noisescope: {failure}");
            failure.exit_code()
        }
    }
}

/// clap takes `-1e-5` for a flag and `-0.00001` for a number.
fn plain_number(word: OsString) -> OsString {
    let number = word.to_str().filter(|text| text.starts_with('-')).map(str::parse::<f64>);
    match number {
        Some(Ok(number)) if number.is_finite() => number.to_string().into(),
        _ => word,
    }
}

/// What is wrong with the command line, in one line.
fn usage(error: &clap::Error) -> Failure {
    let message = error.render().to_string();
    let message = message.trim_start_matches("error: ");
    let reason = message.split("\n\nUsage").next().unwrap_or(message);
    let reason = reason.split("\n\nFor more").next().unwrap_or(reason);
    Failure::BadInput(format!("{} (see --help)", reason.replace('\n', " ").trim()))
}

/// Work is spread over samples, draws, trials and runs by ourselves, with as many threads as `RAYON_NUM_THREADS` says or
/// the machine has. candle inside reads the same variable and gets one thread: its own pools under ours quadruple the
/// time of the quickstart's ablation.
fn share_out_threads() {
    const VARIABLE: &str = "RAYON_NUM_THREADS";
    let wanted = std::env::var(VARIABLE).ok().and_then(|value| value.parse().ok());
    let n_threads = wanted.filter(|n_threads| (1..=1024).contains(n_threads));
    let n_threads =
        n_threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from));
    // SAFETY: no other thread has been started yet.
    unsafe { std::env::set_var(VARIABLE, "1") };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads.unwrap_or(1));
    pool.build_global().expect("the global pool is built once");
}
