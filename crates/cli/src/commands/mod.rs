//! The subcommands, one file each.

mod data;
mod escape;
mod fit;
mod probe;
mod report;
mod run;
mod show;
mod source;
mod stable;

use clap::CommandFactory;

use crate::args::{Args, Command};
use crate::failure::Failure;
use crate::stages::Stage;
use crate::terminal::print;

/// Does what was asked for.
pub fn dispatch(args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Run(args) => run::run(&args, &Stage::ALL),
        Command::Train(args) => run::run(&args, &[Stage::Train]),
        Command::Probe(args) => probe::run(&args),
        Command::Escape(args) => escape::run(&args),
        Command::Fit(args) => fit::run(&args),
        Command::Stable(args) => stable::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Data(command) => data::run(&command),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "noisescope", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
}
