//! Why theories cannot be compared, or one cannot be fitted.

/// What is wrong with the cells, with a constant or with a fit.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum TheoryError {
    /// To leave one cell out, two must remain.
    #[error("{n_cells} cells, at least 3 are needed")]
    TooFewCells {
        /// The number given.
        n_cells: usize,
    },
    /// A number of a cell is out of range.
    #[error("cell {cell}: {name} = {value} is out of range")]
    Cell {
        /// Position, counted from 0.
        cell: usize,
        /// Such as `"barrier"`.
        name: &'static str,
        /// The value given.
        value: f64,
    },
    /// No trial left in any cell.
    #[error("no trial left in any cell: every mean is beyond its horizon")]
    NoExit,
    /// All trials of all cells left at the first check.
    #[error("all trials left at the first check: every mean is below the interval of checks")]
    TooCoarse,
    /// A constant was not measured.
    #[error("the constant {name} is not known")]
    MissingConstant {
        /// Which.
        name: &'static str,
    },
    /// A theory has no form for a constant of this size.
    #[error("the constant {name} = {value:.3} is not above {bound}")]
    Constant {
        /// Which.
        name: &'static str,
        /// The value given.
        value: f64,
        /// What it has to be above.
        bound: f64,
    },
    /// The prediction is not a number, as Mori's is at L* = 0.
    #[error("the prediction is not defined in cell {cell}")]
    Undefined {
        /// Position, counted from 0.
        cell: usize,
    },
    /// The trials leave the slope open, such as where those of one setting leave and those of all others never do.
    #[error("the likelihood grows with the slope without end")]
    UnboundedSlope,
    /// The ascent of the likelihood did not end.
    #[error("the likelihood could not be maximised")]
    NotConverged,
}
