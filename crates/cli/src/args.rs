//! The command line.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use train::data::Header;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Measure the noise of minibatch gradients, parameter by parameter.
///
/// Noisescope trains a network, captures the noise of every minibatch gradient at its minimum, says whether that noise
/// is heavy-tailed, and times how the network escapes. An experiment is one TOML file; a run is one directory with
/// tables, plots and a report.
///
/// Exit codes: 0 success, 1 the run failed, 2 bad input, 130 interrupted (the same command goes on).
#[derive(Debug, Parser)]
#[command(
    name = "noisescope",
    version,
    styles = STYLES,
    disable_help_subcommand = true,
    after_help = "Example: noisescope run experiments/quickstart.toml"
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run an experiment: all its stages, plots and report.
    ///
    /// Stages that are finished are not done again; a run that was interrupted goes on where it stopped. The run is
    /// found again by the hash of its resolved experiment.
    #[command(after_help = "Example: noisescope run experiments/quickstart.toml --seed 2")]
    Run(RunArgs),
    /// Train to a certified minimum.
    ///
    /// The first stage of `run`, in the same run directory.
    #[command(
        after_help = "Example: noisescope train experiments/quickstart.toml --set training.batch_size=64"
    )]
    Train(RunArgs),
    /// Measure and fit the noise at trained weights, or at those of a checkpoint.
    ///
    /// With an experiment alone: the stage `probe` of `run`, in the same run directory; trains first where that has not been
    /// done. With --checkpoint: a checkpoint of a run, or a state dict of PyTorch saved as safetensors, for which an
    /// experiment, or --data and --model, say what it is; nothing is trained.
    #[command(
        after_help = "Example: noisescope probe experiments/quickstart.toml --draws 5000\nExample: noisescope probe --checkpoint runs/x/base-…/checkpoints/trained.safetensors --params 100 --batch-size 8,32,128,400\nExample: noisescope probe --checkpoint resnet18.safetensors --model resnet18 --data cifar100 --statistics running"
    )]
    Probe(ProbeArgs),
    /// Time escapes from the minimum.
    ///
    /// With an experiment alone: the stage `escape` of `run`, in the same run directory; trains first where that has not been
    /// done. With --checkpoint: from the weights of a run, or of a state dict of PyTorch saved as safetensors, for which an
    /// experiment, or --data and --model, say what it is; nothing is trained.
    #[command(
        after_help = "Example: noisescope escape experiments/quickstart.toml --seeds 1000\nExample: noisescope escape --checkpoint runs/x/base-…/checkpoints/trained.safetensors --batch-size 4,8,16 --lr 0.05,0.1,0.2"
    )]
    Escape(EscapeArgs),
    /// Fit SαS and Gaussian to samples in a file.
    ///
    /// Reads CSV and TSV (with or without a header), Parquet, .npy (one series, or one per column), .npz and safetensors (one
    /// series per vector or column). Columns that are not numbers, an index of the rows, and series of fewer than 50 samples beside
    /// longer ones are left out unless they are asked for. What was assumed about a file is said on standard error.
    #[command(after_help = "Example: noisescope fit noise.csv --column grad --format csv")]
    Fit(FitArgs),
    /// Density, distribution, quantiles and samples of SαS.
    ///
    /// SαS(α, γ, δ) has the characteristic function exp(iδt − |γt|^α), 0 < α ≤ 2. Values are given as arguments or on
    /// standard input, one a line; results have 17 significant digits, one a line.
    #[command(after_help = "Example: noisescope stable quantile --alpha 1.7 0.95 0.999")]
    Stable(StableArgs),
    /// Draw plots and report again from the tables of a run.
    #[command(after_help = "Example: noisescope report runs/quickstart/base-…")]
    Report(ReportArgs),
    /// Print the results of a run, or one of its tables.
    #[command(
        after_help = "Example: noisescope show runs/quickstart/base-… noise --csv > noise.csv"
    )]
    Show(ShowArgs),
    /// List or verify the data sets.
    #[command(subcommand, after_help = "Example: noisescope data verify")]
    Data(DataCommand),
    /// Print a shell's completions.
    #[command(
        after_help = "Example: noisescope completions bash > ~/.local/share/bash-completion/completions/noisescope"
    )]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// What running an experiment needs.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Experiment file.
    pub experiment: PathBuf,
    /// What is said beside it.
    #[command(flatten)]
    pub options: RunOptions,
}

/// Where weights come from.
#[derive(Debug, clap::Args)]
pub struct SourceArgs {
    /// Experiment file.
    #[arg(required_unless_present = "checkpoint")]
    pub experiment: Option<PathBuf>,
    /// Begin at these weights, and train nothing.
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Data set whose gradients are taken, standardised; see `noisescope data list`.
    #[arg(long, value_name = "NAME", requires = "model", conflicts_with = "experiment")]
    pub data: Option<String>,
    /// Network: resnet18, 34, 50; resnet20, 32, 44, 56, 110; zhu; mlp:WIDTH,WIDTH,….
    #[arg(long, value_name = "NAME", requires = "data", conflicts_with = "experiment")]
    pub model: Option<String>,
}

/// What timing escapes needs.
#[derive(Debug, clap::Args)]
pub struct EscapeArgs {
    /// Where weights come from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Minibatch sizes of the perturbed dynamics, separated by commas; may be repeated.
    ///
    /// Overrides the key `escape.batch_sizes`; 8 without one.
    #[arg(long, value_name = "B,B,…", value_delimiter = ',')]
    pub batch_size: Vec<usize>,
    /// Step sizes η, separated by commas; may be repeated.
    ///
    /// Overrides the key `escape.learning_rates`; 0.1 without one.
    #[arg(long, value_name = "η,η,…", value_delimiter = ',')]
    pub lr: Vec<f64>,
    /// Trials for each pair of B and η.
    ///
    /// Overrides the key `escape.seeds`; 100 without one.
    #[arg(long)]
    pub seeds: Option<u64>,
    /// Iterations after which a trial is censored.
    ///
    /// Overrides the key `escape.horizon`; 10000 without one.
    #[arg(long)]
    pub horizon: Option<u64>,
    /// What is said beside them.
    #[command(flatten)]
    pub options: RunOptions,
}

/// What probing needs.
#[derive(Debug, clap::Args)]
pub struct ProbeArgs {
    /// Where weights come from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// How many parameters: a number, all, or per-layer:N.
    ///
    /// Drawn uniformly at random. Overrides the key `probe.parameters`; 100 without one.
    #[arg(long, value_name = "N")]
    pub params: Option<String>,
    /// Only layers of that name, in which * stands for any text; may be repeated.
    #[arg(long, value_name = "PATTERN")]
    pub layers: Vec<String>,
    /// Minibatch sizes, separated by commas; may be repeated.
    ///
    /// Overrides the key `probe.batch_sizes`; 8,32,128 without one.
    #[arg(long, value_name = "B,B,…", value_delimiter = ',')]
    pub batch_size: Vec<usize>,
    /// Minibatches per size.
    ///
    /// Overrides the key `probe.draws`; 1000 without one.
    #[arg(long)]
    pub draws: Option<usize>,
    /// How gradients of minibatches are found: minibatch or per_sample.
    #[arg(long)]
    pub method: Option<String>,
    /// What batch normalisation normalises by: minibatch, running or full_batch.
    #[arg(long)]
    pub statistics: Option<String>,
    /// What is said beside them.
    #[command(flatten)]
    pub options: RunOptions,
}

/// What is said of a run beside its experiment.
#[derive(Debug, clap::Args)]
pub struct RunOptions {
    /// Set a key of the experiment; may be repeated.
    ///
    /// The value is TOML; text may go without quotes. Applied before `--seed` and `--device`.
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
    /// Seed of all random streams.
    ///
    /// One seed gives the same tables, byte for byte, whatever the number of threads. Overrides the key `seed`.
    #[arg(long, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: Option<u64>,
    /// Directory that runs are written to.
    ///
    /// The run itself is `DIR/<experiment>/<point>-<hash>`.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub out: PathBuf,
    /// Device: cpu or cuda:N.
    ///
    /// Overrides the key `device`. CUDA needs a build with `--features cuda`.
    #[arg(long)]
    pub device: Option<String>,
}

/// What fitting a file needs.
#[derive(Debug, clap::Args)]
pub struct FitArgs {
    /// File with samples: .csv, .tsv, .npy, .npz, .parquet or .safetensors.
    pub file: PathBuf,
    /// Fit this column; may be repeated.
    ///
    /// Without it, every numeric column is fitted. Columns without a header are named 1, 2, ….
    #[arg(long, value_name = "NAME")]
    pub column: Vec<String>,
    /// Whether line 1 of a .csv or .tsv names the columns.
    ///
    /// `auto` takes names for a header and numbers for a row. Column numbers (0, 1, … or 1, 2, …) above longer numbers are
    /// a header; where it cannot be known, `yes` or `no` must be given.
    #[arg(long, value_enum, default_value_t = HeaderArg::Auto)]
    pub header: HeaderArg,
    /// Location of the laws.
    ///
    /// `free` estimates it; `zero` holds it at 0.
    #[arg(long, value_enum, default_value_t = LocationArg::Free)]
    pub location: LocationArg,
    /// Compare estimators of α: one row per column and estimator; may be repeated.
    ///
    /// Without it, maximum likelihood with its tests and verdict. Only maximum likelihood reaches the Cramér–Rao bound;
    /// the others are there to be compared with.
    #[arg(long, value_enum, value_name = "NAME")]
    pub estimator: Vec<EstimatorArg>,
    /// Also the tests that simulate: R series for every p-value and interval.
    ///
    /// Kolmogorov–Smirnov, Cramér–von Mises and Anderson–Darling of both laws, the aggregation test, the bootstrap
    /// interval for α, and SαS against the best rival by Vuong's test and by held-out log score (10 folds). Takes about
    /// a second per column of 1000 at R = 999.
    #[arg(
        long,
        value_name = "R",
        conflicts_with = "estimator",
        value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(19..=1_000_000)
    )]
    pub replicates: Option<usize>,
    /// Leave out the laws beside the Gaussian and SαS: 1.8 ms instead of 3.1 ms for a column of 1000.
    ///
    /// Verdicts then leave open whether a law of finite variance does as well as SαS.
    #[arg(long, conflicts_with_all = ["estimator", "pooled"])]
    pub no_rivals: bool,
    /// Seed of `--replicates`; 1 if not given.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Estimate α of all columns pooled, and of each row, beside the mean of the columns.
    ///
    /// Columns are parameters and rows are draws. Columns of different scale look heavy-tailed when they are pooled, though
    /// each is Gaussian.
    #[arg(long, conflicts_with_all = ["estimator", "replicates", "plots"])]
    pub pooled: bool,
    /// How the result is printed.
    ///
    /// `table` is for reading; `csv`, `json` and `parquet` have every figure at full precision.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Write the result to this file and not to standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Draw histogram, quantiles and profile likelihood of each column to `DIR/<column>/`.
    #[arg(long, value_name = "DIR", conflicts_with = "estimator")]
    pub plots: Option<PathBuf>,
}

/// The estimators of the stability index.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum EstimatorArg {
    /// All of them.
    All,
    /// Maximum likelihood.
    MaximumLikelihood,
    /// Regression on the empirical characteristic function.
    Koutrouvelis,
    /// Ratios of quantiles.
    Mcculloch,
    /// Moments of ln |x|.
    LogMoments,
    /// The block estimator of Mohammadi, used by Simsekli et al. 2019.
    Mohammadi,
}

/// What evaluating the stable law needs.
#[derive(Debug, clap::Args)]
pub struct StableArgs {
    /// What to compute.
    #[arg(value_enum)]
    pub function: StableFunction,
    /// Stability index, 0 < A ≤ 2.
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    pub alpha: f64,
    /// Scale, above 0.
    #[arg(long, value_name = "G", default_value_t = 1., allow_negative_numbers = true)]
    pub gamma: f64,
    /// Location.
    #[arg(long, value_name = "D", default_value_t = 0., allow_negative_numbers = true)]
    pub delta: f64,
    /// How many draws `sample` makes; 1 if not given.
    #[arg(long)]
    pub n: Option<usize>,
    /// Seed of `sample`; 1 if not given.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Values; for `quantile`, probabilities.
    #[arg(value_name = "X", allow_negative_numbers = true)]
    pub x: Vec<f64>,
}

/// The functions of the stable law.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum StableFunction {
    /// Density.
    Pdf,
    /// Natural logarithm of the density.
    Logpdf,
    /// P(X ≤ x), accurate in the lower tail.
    Cdf,
    /// P(X > x), accurate in the upper tail.
    Sf,
    /// The x with P(X ≤ x) = p.
    Quantile,
    /// Independent draws.
    Sample,
}

/// Where fitted laws are centred.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LocationArg {
    /// Estimated.
    Free,
    /// Held at 0.
    Zero,
}

/// Whether line 1 of a text names the columns.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum HeaderArg {
    /// As the file suggests.
    Auto,
    /// It does.
    Yes,
    /// It is a row.
    No,
}

impl From<HeaderArg> for Header {
    fn from(arg: HeaderArg) -> Self {
        match arg {
            HeaderArg::Auto => Header::Auto,
            HeaderArg::Yes => Header::Yes,
            HeaderArg::No => Header::No,
        }
    }
}

/// How a table is printed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Format {
    /// Aligned columns, few digits.
    Table,
    /// CSV, full precision.
    Csv,
    /// JSON, full precision.
    Json,
    /// Parquet.
    Parquet,
}

/// What drawing a report needs.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// Run directories.
    #[arg(required = true)]
    pub runs: Vec<PathBuf>,
}

/// What showing a run needs.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// Run directory.
    pub run: PathBuf,
    /// Table of the run; without it, the results are summed up.
    pub table: Option<String>,
    /// Print the table as CSV at full precision.
    #[arg(long, requires = "table")]
    pub csv: bool,
}

/// The subcommands of `data`.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// What there is, and what of it is here: size, classes, licence, whether it is verified.
    ///
    /// Data sets are looked for in this program, in a folder of their name in those that NOISESCOPE_DATA lists, and in
    /// the cache of the Hugging Face hub.
    #[command(after_help = "Example: noisescope data list --directory ~/data")]
    List {
        /// Look here and in the folders in it instead.
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
    },
    /// Download from the Hugging Face hub and verify.
    ///
    /// Files go to the cache that Python's huggingface_hub uses. A download that broke off goes on where it stopped.
    /// HF_HOME, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE are honoured.
    #[command(after_help = "Example: noisescope data fetch cifar100 mnist")]
    Fetch {
        /// Data sets.
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Hold files to their cards: digests, shape, mean and deviation.
    #[command(after_help = "Example: noisescope data verify ionosphere --directory ~/uci")]
    Verify {
        /// Data sets; without any, all that are here.
        names: Vec<String>,
        /// Look here and in the folders in it instead.
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
    },
    /// Describe a data set, with a contact sheet of its images or a line per feature.
    #[command(after_help = "Example: noisescope data show fashion-mnist-6k --picture sheet.png")]
    Show {
        /// The data set.
        name: String,
        /// Read the files from here.
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
        /// Where the contact sheet goes [default: NAME.png].
        #[arg(long, value_name = "FILE")]
        picture: Option<PathBuf>,
    },
    /// Make a data set of your own files, which experiments then call by name.
    ///
    /// Tables (.csv, .tsv, .parquet) have one row per sample and a column of labels; arrays (.npz, .safetensors) have
    /// samples along the first axis; a folder has a folder of PNG images for each class.
    #[command(
        after_help = "Examples:\n  noisescope data import wine.csv --name wine --label quality\n  noisescope data import digits.npz --name digits --inputs x_train --label y_train\n  noisescope data import photos/train --test photos/test --name photos"
    )]
    Import(ImportArgs),
}

/// What importing needs.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// File or folder of the training set.
    pub train: PathBuf,
    /// The same for a test set.
    #[arg(long, value_name = "PATH")]
    pub test: Option<PathBuf>,
    /// What experiments will call it.
    #[arg(long)]
    pub name: String,
    /// Column or array of the labels.
    #[arg(long, value_name = "NAME")]
    pub label: Option<String>,
    /// Array of the inputs.
    #[arg(long, value_name = "NAME")]
    pub inputs: Option<String>,
    /// Whether line 1 of a .csv or .tsv names the columns; without names they are called 1, 2, ….
    #[arg(long, value_enum, default_value_t = HeaderArg::Auto)]
    pub header: HeaderArg,
    /// Under which terms it may be used; goes into manifests.
    #[arg(long)]
    pub licence: Option<String>,
    /// How to cite it.
    #[arg(long)]
    pub citation: Option<String>,
}
