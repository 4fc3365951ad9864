//! Points under way, and what can be seen of them.

use std::borrow::Cow;

use train::Streams;

use crate::driver::{Driver, Rule};
use crate::error::EscapeError;
use crate::landscape::{Evaluation, Landscape, Site};

/// Trials under way that step together: points that a rule moves.
///
/// Any driver on any landscape moves one ([`Dynamics`]), and so does SGD on a perceptron, whose steps are too short for
/// anything but a kernel of their own; on a GPU, that idles over a single small network, SGD moves hundreds.
pub trait Walks {
    /// Takes one step of size η with all of them.
    fn step(&mut self, learning_rate: f64) -> Result<(), EscapeError>;

    /// Where one of them is.
    fn at(&mut self, trial: usize) -> &mut dyn Place;
}

/// The point of a trial.
pub trait Place {
    /// Loss and training accuracy there.
    fn evaluate(&mut self) -> Result<Evaluation, EscapeError>;

    /// The point itself, `[D]`.
    fn point(&mut self) -> Result<Cow<'_, [f64]>, EscapeError>;

    /// Its distance ‖w − w*‖ from the minimum.
    fn distance(&mut self, minimum: &[f64]) -> Result<f64, EscapeError> {
        let squares = |(w, at): (&f64, &f64)| (w - at) * (w - at);
        Ok(self.point()?.iter().zip(minimum).map(squares).sum::<f64>().sqrt())
    }

    /// The coordinate with the largest |w_i − w*_i|, the first of equal ones: the one that it left through.
    fn farthest(&mut self, minimum: &[f64]) -> Result<usize, EscapeError> {
        let point = self.point()?;
        let away = |i: usize| {
            let distance = (point[i] - minimum[i]).abs();
            if distance.is_nan() { f64::INFINITY } else { distance }
        };
        let farther = |i: &usize, j: &usize| away(*i).total_cmp(&away(*j)).then(j.cmp(i));
        Ok((0..point.len()).max_by(farther).unwrap_or(0))
    }
}

/// Where trials begin: all randomness of a trial comes from its streams.
pub trait Start: Sync {
    /// The point w* that all trials begin at, `[D]`.
    fn minimum(&self) -> &[f64];

    /// How many trials step together. What one finds may depend on which others there are, so that these are always the
    /// same: those of seeds `k n` to `k n + n − 1` for `n` of them.
    fn at_once(&self) -> usize {
        1
    }

    /// New trials at the minimum, one for each of the streams.
    fn begin(&self, trials: &[Streams]) -> Result<Box<dyn Walks + '_>, EscapeError>;
}

/// Any driver on any landscape.
pub struct Dynamics<'a> {
    /// What is moved on.
    pub landscape: &'a dyn Landscape,
    /// What moves.
    pub driver: &'a dyn Driver,
}

struct Wanderer<'a> {
    site: Box<dyn Site + 'a>,
    rule: Box<dyn Rule + 'a>,
    point: Vec<f64>,
}

impl Start for Dynamics<'_> {
    fn minimum(&self) -> &[f64] {
        self.landscape.minimum()
    }

    fn begin(&self, trials: &[Streams]) -> Result<Box<dyn Walks + '_>, EscapeError> {
        let point = self.landscape.minimum().to_vec();
        let rule = self.driver.begin(self.landscape, &trials[0])?;
        Ok(Box::new(Wanderer { site: self.landscape.site()?, rule, point }))
    }
}

impl Walks for Wanderer<'_> {
    fn step(&mut self, learning_rate: f64) -> Result<(), EscapeError> {
        self.rule.step(&mut *self.site, &mut self.point, learning_rate)
    }

    fn at(&mut self, _trial: usize) -> &mut dyn Place {
        self
    }
}

impl Place for Wanderer<'_> {
    fn evaluate(&mut self) -> Result<Evaluation, EscapeError> {
        self.site.evaluate(&self.point)
    }

    fn point(&mut self) -> Result<Cow<'_, [f64]>, EscapeError> {
        Ok((&self.point).into())
    }
}

/// One look at a trial: what several basins ask for is computed once.
pub(crate) struct Look<'a> {
    place: &'a mut dyn Place,
    minimum: &'a [f64],
    minimum_loss: f64,
    evaluation: Option<Evaluation>,
}

impl<'a> Look<'a> {
    /// Looks at the place of a trial that began at `minimum`.
    pub fn at(place: &'a mut dyn Place, minimum: &'a [f64], minimum_loss: f64) -> Self {
        Self { place, minimum, minimum_loss, evaluation: None }
    }

    /// Looks at a trial that is still at `minimum`.
    pub fn at_minimum(place: &'a mut dyn Place, minimum: &'a [f64]) -> Result<Self, EscapeError> {
        let evaluation = place.evaluate()?;
        let minimum_loss = evaluation.loss;
        Ok(Self { place, minimum, minimum_loss, evaluation: Some(evaluation) })
    }

    pub fn minimum_loss(&self) -> f64 {
        self.minimum_loss
    }

    pub fn loss(&mut self) -> Result<f64, EscapeError> {
        Ok(self.evaluate()?.loss)
    }

    /// # Errors
    /// Where nothing is classified.
    pub fn accuracy(&mut self) -> Result<f64, EscapeError> {
        self.evaluate()?.accuracy.ok_or(EscapeError::Unsupported {
            asked: "a basin by accuracy",
            reason: "nothing is classified on this landscape",
        })
    }

    fn evaluate(&mut self) -> Result<Evaluation, EscapeError> {
        let evaluation = self.evaluation.map_or_else(|| self.place.evaluate(), Ok)?;
        self.evaluation = Some(evaluation);
        Ok(evaluation)
    }

    /// ‖w − w*‖.
    pub fn distance(&mut self) -> Result<f64, EscapeError> {
        self.place.distance(self.minimum)
    }

    pub fn all_within(&mut self, low: f64, high: f64) -> Result<bool, EscapeError> {
        Ok(self.place.point()?.iter().all(|&w| low <= w && w <= high))
    }

    /// The coordinate that it left through.
    pub fn farthest(&mut self) -> Result<usize, EscapeError> {
        self.place.farthest(self.minimum)
    }

    /// Whether the point, and its loss if it was looked at, are numbers.
    pub fn is_finite(&mut self) -> Result<bool, EscapeError> {
        let is_finite = self.place.point()?.iter().all(|w| w.is_finite());
        Ok(is_finite && self.evaluation.is_none_or(|seen| seen.loss.is_finite()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::basin::Basin;
    use std::cell::Cell;

    /// A point that stays, and counts how often it is evaluated.
    struct Counting<'a>(&'a Cell<u32>);

    impl Place for Counting<'_> {
        fn evaluate(&mut self) -> Result<Evaluation, EscapeError> {
            self.0.set(self.0.get() + 1);
            Ok(Evaluation { loss: 2., accuracy: Some(0.75) })
        }

        fn point(&mut self) -> Result<Cow<'_, [f64]>, EscapeError> {
            Ok(vec![3.].into())
        }
    }

    #[test]
    fn several_basins_take_one_evaluation_of_a_point() {
        let n_evaluations = Cell::new(0);
        let mut place = Counting(&n_evaluations);
        let mut look = Look::at(&mut place, &[0.], 1.);
        let basins = [
            Basin::Accuracy(0.8),
            Basin::LossRise(1.5),
            Basin::LossRatio(1.5),
            Basin::Distance(4.),
        ];
        let left = basins.map(|basin| basin.is_left(&mut look).unwrap());
        assert_eq!((left, n_evaluations.get()), ([true, false, true, false], 1));
        let mut look = Look::at_minimum(&mut place, &[3.]).unwrap();
        assert!(!basins[2].is_left(&mut look).unwrap());
        assert_eq!((look.minimum_loss(), n_evaluations.get()), (2., 2));
    }

    #[test]
    fn what_needs_no_evaluation_takes_none() {
        let n_evaluations = Cell::new(0);
        let mut place = Counting(&n_evaluations);
        let mut look = Look::at(&mut place, &[0.], 1.);
        assert!(!Basin::Distance(4.).is_left(&mut look).unwrap() && look.is_finite().unwrap());
        assert_eq!(n_evaluations.get(), 0);
    }
}
