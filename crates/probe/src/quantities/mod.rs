//! What is said about series of noise, one file each.

mod example;
mod fits;
mod summary;

pub use example::example;
pub use fits::{Series, SeriesFit, fit_series, fits_table, noise_table};
pub use summary::{summary, verdict_column};
