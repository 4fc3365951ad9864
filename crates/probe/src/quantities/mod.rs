//! What is said about series of noise, one file each.

mod example;
mod fits;
mod resampled;
mod rivals;
mod summary;

pub use example::example;
pub use fits::{Series, SeriesFit, fit_series, fits_table, judge, noise_table};
pub use resampled::{AgainstRival, ResampledTests, resampled_table, resampled_tests};
pub use summary::{summary, verdict_column};
