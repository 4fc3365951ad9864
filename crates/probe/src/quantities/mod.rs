//! What is said about series of noise, one file each.

mod aggregation;
mod common_alpha;
mod covariance;
mod example;
mod fits;
mod layers;
mod low_rank;
mod noise_scale;
mod resampled;
mod rivals;
mod shape;
mod summary;
mod views;

pub use aggregation::aggregation;
pub use common_alpha::common_alpha;
pub use covariance::Covariance;
pub(crate) use covariance::MOST_DRAWS;
pub use example::{example, grid};
pub use fits::{Series, SeriesFit, fit_series, fits_table, judge, noise_table};
pub use layers::layers;
pub use low_rank::LowRank;
pub use noise_scale::{Trace, Traced, n_traced, noise_scale};
pub use resampled::{AgainstRival, ResampledTests, resampled_table, resampled_tests};
pub use shape::{Shape, shapes};
pub use summary::{summary, verdict_column};
pub use views::views;
