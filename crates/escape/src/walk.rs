//! A point under way, and what can be seen of it.

use train::Streams;

use crate::driver::{Driver, Rule};
use crate::error::EscapeError;
use crate::landscape::{Evaluation, Landscape, Site};

/// One trial under way: a point that a rule moves.
///
/// There are two: any driver on any landscape ([`Dynamics`]), and SGD on a perceptron, whose steps are too short for
/// anything but a kernel of their own.
pub trait Walk {
    /// Takes one step of size η.
    fn step(&mut self, learning_rate: f64) -> Result<(), EscapeError>;

    /// Loss and training accuracy at the point.
    fn evaluate(&mut self) -> Result<Evaluation, EscapeError>;

    /// The point itself, `[D]`.
    fn point(&self) -> std::borrow::Cow<'_, [f64]>;

    /// Its distance ‖w − w*‖ from the minimum.
    fn distance(&self, minimum: &[f64]) -> f64 {
        let squares = |(w, at): (&f64, &f64)| (w - at) * (w - at);
        self.point().iter().zip(minimum).map(squares).sum::<f64>().sqrt()
    }

    /// The coordinate with the largest |w_i − w*_i|, the first of equal ones: the one that it left through.
    fn farthest(&self, minimum: &[f64]) -> usize {
        let point = self.point();
        let away = |i: usize| {
            let distance = (point[i] - minimum[i]).abs();
            if distance.is_nan() { f64::INFINITY } else { distance }
        };
        (0..point.len()).max_by(|&i, &j| away(i).total_cmp(&away(j)).then(j.cmp(&i))).unwrap_or(0)
    }
}

/// Where trials begin: all randomness of a walk comes from `streams`.
pub trait Start: Sync {
    /// The point w* that all trials begin at, `[D]`.
    fn minimum(&self) -> &[f64];

    /// A new trial at the minimum.
    fn begin(&self, streams: &Streams) -> Result<Box<dyn Walk + '_>, EscapeError>;
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

    fn begin(&self, streams: &Streams) -> Result<Box<dyn Walk + '_>, EscapeError> {
        let point = self.landscape.minimum().to_vec();
        let rule = self.driver.begin(self.landscape, streams)?;
        Ok(Box::new(Wanderer { site: self.landscape.site()?, rule, point }))
    }
}

impl Walk for Wanderer<'_> {
    fn step(&mut self, learning_rate: f64) -> Result<(), EscapeError> {
        self.rule.step(&mut *self.site, &mut self.point, learning_rate)
    }

    fn evaluate(&mut self) -> Result<Evaluation, EscapeError> {
        self.site.evaluate(&self.point)
    }

    fn point(&self) -> std::borrow::Cow<'_, [f64]> {
        (&self.point).into()
    }
}

/// One look at a walk: what several basins ask for is computed once.
pub(crate) struct Look<'a> {
    walk: &'a mut dyn Walk,
    minimum: &'a [f64],
    minimum_loss: f64,
    evaluation: Option<Evaluation>,
}

impl<'a> Look<'a> {
    /// Looks at `walk`, which began at `minimum`.
    pub fn at(walk: &'a mut dyn Walk, minimum: &'a [f64], minimum_loss: f64) -> Self {
        Self { walk, minimum, minimum_loss, evaluation: None }
    }

    /// Looks at `walk`, which is still at `minimum`.
    pub fn at_minimum(walk: &'a mut dyn Walk, minimum: &'a [f64]) -> Result<Self, EscapeError> {
        let evaluation = walk.evaluate()?;
        let minimum_loss = evaluation.loss;
        Ok(Self { walk, minimum, minimum_loss, evaluation: Some(evaluation) })
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
        let evaluation = self.evaluation.map_or_else(|| self.walk.evaluate(), Ok)?;
        self.evaluation = Some(evaluation);
        Ok(evaluation)
    }

    /// ‖w − w*‖.
    pub fn distance(&self) -> f64 {
        self.walk.distance(self.minimum)
    }

    pub fn all_within(&self, low: f64, high: f64) -> bool {
        self.walk.point().iter().all(|&w| low <= w && w <= high)
    }

    /// The coordinate that it left through.
    pub fn farthest(&self) -> usize {
        self.walk.farthest(self.minimum)
    }

    /// Whether the point, and its loss if it was looked at, are numbers.
    pub fn is_finite(&self) -> bool {
        self.evaluation.is_none_or(|seen| seen.loss.is_finite())
            && self.walk.point().iter().all(|w| w.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::basin::Basin;
    use std::cell::Cell;

    /// A point that stays, and counts how often it is evaluated.
    struct Counting<'a>(&'a Cell<u32>);

    impl Walk for Counting<'_> {
        fn step(&mut self, _learning_rate: f64) -> Result<(), EscapeError> {
            Ok(())
        }

        fn evaluate(&mut self) -> Result<Evaluation, EscapeError> {
            self.0.set(self.0.get() + 1);
            Ok(Evaluation { loss: 2., accuracy: Some(0.75) })
        }

        fn point(&self) -> std::borrow::Cow<'_, [f64]> {
            vec![3.].into()
        }
    }

    #[test]
    fn several_basins_take_one_evaluation_of_a_point() {
        let n_evaluations = Cell::new(0);
        let mut walk = Counting(&n_evaluations);
        let mut look = Look::at(&mut walk, &[0.], 1.);
        let basins = [
            Basin::Accuracy(0.8),
            Basin::LossRise(1.5),
            Basin::LossRatio(1.5),
            Basin::Distance(4.),
        ];
        let left = basins.map(|basin| basin.is_left(&mut look).unwrap());
        assert_eq!((left, n_evaluations.get()), ([true, false, true, false], 1));
        let mut look = Look::at_minimum(&mut walk, &[3.]).unwrap();
        assert!(!basins[2].is_left(&mut look).unwrap());
        assert_eq!((look.minimum_loss(), n_evaluations.get()), (2., 2));
    }

    #[test]
    fn what_needs_no_evaluation_takes_none() {
        let n_evaluations = Cell::new(0);
        let mut walk = Counting(&n_evaluations);
        let mut look = Look::at(&mut walk, &[0.], 1.);
        assert!(!Basin::Distance(4.).is_left(&mut look).unwrap() && look.is_finite());
        assert_eq!(n_evaluations.get(), 0);
    }
}
