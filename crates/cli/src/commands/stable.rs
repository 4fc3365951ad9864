//! `stable`: the symmetric stable law at the command line.

use std::fmt::Write;
use std::io::BufRead;

use rand::distr::Distribution;
use statrs::distribution::{Continuous, ContinuousCDF};
use stats::SymmetricStable;
use train::Streams;

use crate::args::{StableArgs, StableFunction};
use crate::failure::Failure;
use crate::terminal::print;

/// Evaluates a function of the law at each value, or draws from it: one number a line, 17 significant digits.
pub fn run(args: &StableArgs) -> Result<(), Failure> {
    let law = SymmetricStable::new(args.alpha, args.gamma, args.delta)
        .map_err(|error| Failure::BadInput(error.to_string()))?;
    if let StableFunction::Sample = args.function {
        if !args.x.is_empty() {
            return Err(Failure::BadInput("`sample` takes no values; --n N says how many".into()));
        }
        let rng = Streams::new(args.seed.unwrap_or(1)).named("stable").rng(0);
        return print(&lines(law.sample_iter(rng).take(args.n.unwrap_or(1))));
    }
    if args.n.is_some() || args.seed.is_some() {
        return Err(Failure::BadInput("--n and --seed are for `sample`".into()));
    }
    let values = if args.x.is_empty() { read_standard_input()? } else { args.x.clone() };
    let outside = |x: &&f64| !(0. ..=1.).contains(*x);
    if let (StableFunction::Quantile, Some(x)) = (args.function, values.iter().find(outside)) {
        return Err(Failure::BadInput(format!("probability {x} is outside [0, 1]")));
    }
    let function = |x: f64| match args.function {
        StableFunction::Pdf => law.pdf(x),
        StableFunction::Logpdf => law.ln_pdf(x),
        StableFunction::Cdf => law.cdf(x),
        StableFunction::Sf => law.sf(x),
        StableFunction::Quantile => law.inverse_cdf(x),
        StableFunction::Sample => unreachable!("drawn above"),
    };
    print(&lines(values.into_iter().map(function)))
}

fn lines(values: impl Iterator<Item = f64>) -> String {
    values.fold(String::new(), |mut text, value| {
        writeln!(text, "{value:.16e}").expect("writing to a string");
        text
    })
}

fn read_standard_input() -> Result<Vec<f64>, Failure> {
    let mut values = Vec::new();
    for (line_idx, line) in std::io::stdin().lock().lines().enumerate() {
        let at = |reason: String| {
            Failure::BadInput(format!("standard input, line {}: {reason}", line_idx + 1))
        };
        let line = line.map_err(|error| at(error.to_string()))?;
        let line = line.trim();
        if !line.is_empty() {
            values.push(line.parse().map_err(|_| at(format!("`{line}` is not a number")))?);
        }
    }
    Ok(values)
}
