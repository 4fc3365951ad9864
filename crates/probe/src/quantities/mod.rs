//! What is said about series of noise, one file each.

mod aggregation;
mod example;
mod fits;
mod layers;
mod noise_scale;
mod resampled;
mod rivals;
mod shape;
mod spectrum;
mod summary;
mod views;

pub use aggregation::aggregation;
pub use example::{example, grid};
pub use fits::{Series, SeriesFit, fit_series, fits_table, judge, noise_table};
pub use layers::layers;
pub use noise_scale::{Trace, n_traced, noise_scale};
pub use resampled::{AgainstRival, ResampledTests, resampled_table, resampled_tests};
pub use shape::{Shape, shapes};
pub use spectrum::{Spectrum, covariances};
pub use summary::{summary, verdict_column};
pub use views::views;
