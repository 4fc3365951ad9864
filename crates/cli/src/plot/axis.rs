//! An axis: a scale, a range that covers the data, and ticks at round numbers.

use super::number;

/// How values are laid out along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences take equal space.
    Linear,
    /// Equal ratios take equal space; only positive values have a place.
    Log,
}

/// An axis with a finite range, whatever the data were.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    label: String,
    scale: Scale,
    // In laid-out values: the logarithm to base ten on a log scale.
    low: f64,
    high: f64,
    has_ticks: bool,
}

impl Axis {
    /// The narrowest axis that shows all values with a little air; those without a place are left out.
    pub fn covering(label: &str, scale: Scale, values: impl IntoIterator<Item = f64>) -> Self {
        let placed = values.into_iter().map(|value| scale.place(value)).filter(|v| v.is_finite());
        let (low, high) = placed
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        let size = low.abs().max(high.abs());
        // Equal or nearly equal values: open the range around them.
        let (low, high) = if high - low > 1e-9 * size {
            (low, high)
        } else {
            let half = match scale {
                Scale::Log => 0.5,
                Scale::Linear if size > 0.0 => 0.1 * size,
                Scale::Linear => 1.0,
            };
            (low - half, high + half)
        };
        let air = 0.04 * (high - low);
        Self { label: label.to_owned(), scale, low: low - air, high: high + air, has_ticks: true }
    }

    /// An axis from one value to another, exactly.
    pub fn between(label: &str, scale: Scale, low: f64, high: f64) -> Self {
        let (placed_low, placed_high) = (scale.place(low), scale.place(high));
        if placed_low < placed_high && (placed_high - placed_low).is_finite() {
            Self {
                label: label.to_owned(),
                scale,
                low: placed_low,
                high: placed_high,
                has_ticks: true,
            }
        } else {
            Self::covering(label, scale, [low, high])
        }
    }

    /// The same axis, ending exactly at these values where they are given.
    pub fn ending_at(mut self, low: Option<f64>, high: Option<f64>) -> Self {
        let placed = |end: Option<f64>| end.map(|value| self.scale.place(value));
        let (low, high) = (placed(low).unwrap_or(self.low), placed(high).unwrap_or(self.high));
        if low.is_finite() && high.is_finite() && low < high {
            (self.low, self.high) = (low, high);
        }
        self
    }

    /// The same axis with another label.
    pub fn labelled(self, label: &str) -> Self {
        Self { label: label.to_owned(), ..self }
    }

    /// The same axis as a plain extent without ticks.
    pub fn without_ticks(self) -> Self {
        Self { has_ticks: false, ..self }
    }

    /// What the axis measures.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Where a value stands: 0 at the beginning of the axis, 1 at its end, `None` when it has no place.
    pub fn position(&self, value: f64) -> Option<f64> {
        let position = (self.scale.place(value) - self.low) / (self.high - self.low);
        position.is_finite().then_some(position)
    }

    /// Where a value stands, those without a place or below the axis at its beginning.
    pub fn position_or_foot(&self, value: f64) -> f64 {
        self.position(value).unwrap_or(0.0).max(0.0)
    }

    /// Round values within the range, about so many, with their labels.
    pub fn ticks(&self, wanted: usize) -> Vec<(f64, String)> {
        let wanted = if self.has_ticks { wanted.max(2) } else { return Vec::new() };
        let values = match self.scale {
            Scale::Linear => return linear_ticks(self.low, self.high, wanted),
            Scale::Log if self.high - self.low < 0.75 => {
                return linear_ticks(10f64.powf(self.low), 10f64.powf(self.high), wanted);
            }
            Scale::Log => self.log_ticks(wanted),
        };
        let label = |value: f64| {
            if is_plain(&values) { number::chosen(value) } else { number::scientific(value) }
        };
        values.iter().map(|value| (*value, label(*value))).collect()
    }

    fn log_ticks(&self, wanted: usize) -> Vec<f64> {
        let decades = self.low.floor() as i32..=self.high.ceil() as i32;
        let within = |value: &f64| {
            let placed = value.log10();
            placed >= self.low - 1e-9 && placed <= self.high + 1e-9
        };
        for mantissas in [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]] {
            let ticks: Vec<f64> = decades
                .clone()
                .flat_map(|decade| mantissas.iter().map(move |m| m * 10f64.powi(decade)))
                .filter(within)
                .collect();
            // Powers of ten alone need no mantissa in their labels.
            let is_readable = mantissas.len() == 1 || ticks.len() <= 4 || is_plain(&ticks);
            if is_readable && (2..=wanted + 1).contains(&ticks.len()) {
                return ticks;
            }
        }
        let stride = (((self.high - self.low) / wanted as f64).ceil() as i32).max(1);
        decades
            .filter(|d| d.rem_euclid(stride) == 0)
            .map(|d| 10f64.powi(d))
            .filter(within)
            .collect()
    }
}

impl Scale {
    fn place(self, value: f64) -> f64 {
        match self {
            // Values near the end of the range of doubles would make the width of an axis infinite.
            Scale::Linear if value.abs() < 1e300 => value,
            Scale::Log if value > 1e-300 && value < 1e300 => value.log10(),
            _ => f64::NAN,
        }
    }
}

/// Whether numbers can be read without powers of ten.
fn is_plain(values: &[f64]) -> bool {
    values.iter().all(|value| (0.999e-3..1.001e5).contains(value))
}

fn linear_ticks(low: f64, high: f64, wanted: usize) -> Vec<(f64, String)> {
    let raw = (high - low) / wanted as f64;
    let decade = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|mantissa| mantissa * decade)
        .find(|step| *step >= raw * 0.999)
        .unwrap_or(10.0 * decade);
    let (first, last) = ((low / step).ceil(), (high / step + 1e-9).floor());
    if !(step > 0.0 && first.is_finite() && last - first <= 4.0 * wanted as f64) {
        return Vec::new();
    }
    let n_ticks = (last - first) as usize + 1;
    let values: Vec<f64> = (0..n_ticks).map(|idx| (first + idx as f64) * step).collect();
    let largest = values.iter().fold(0.0, |largest: f64, v| largest.max(v.abs()));
    // Decimals that tell neighbouring ticks apart; a quarter step needs one more.
    let quarter = (step / decade - 2.5).abs() < 1e-6;
    let decimals = -(step.log10() + 1e-9).floor() as i32 + i32::from(quarter);
    let label = |value: f64| match decimals {
        ..=0 if largest < 1e6 => number::fixed(value, 0),
        1..=5 if largest < 1e6 => number::fixed(value, decimals as usize),
        _ => number::chosen(value),
    };
    values.into_iter().map(|value| (value, label(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks(5).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(
            labels(&Axis::between("", Scale::Linear, 0.0, 1.0)),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(
            labels(&Axis::between("", Scale::Linear, -3e-12, 3e-12)),
            ["−2×10⁻¹²", "0", "2×10⁻¹²"]
        );
        assert_eq!(
            labels(&Axis::between("", Scale::Log, 0.01, 100.0)),
            ["0.01", "0.1", "1", "10", "100"]
        );
        assert_eq!(
            labels(&Axis::between("", Scale::Log, 1e-8, 1.0)),
            ["10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "10⁰"]
        );
        assert_eq!(
            labels(&Axis::between("", Scale::Log, 0.01, 0.1)),
            ["0.01", "0.02", "0.05", "0.1"]
        );
    }

    #[test]
    fn any_data_make_a_finite_axis() {
        let hard: [&[f64]; 8] = [
            &[],
            &[f64::NAN, f64::INFINITY],
            &[0.0],
            &[-5.0, -5.0],
            &[1e-12, 1.1e-12],
            &[f64::MAX, f64::MIN],
            &[1e299, -1e299],
            &[f64::MIN_POSITIVE, 1.0],
        ];
        for values in hard {
            for scale in [Scale::Linear, Scale::Log] {
                let axis = Axis::covering("", scale, values.iter().copied());
                assert!(axis.low.is_finite() && axis.high.is_finite() && axis.low < axis.high);
                assert!(axis.ticks(5).len() <= 24, "{values:?}");
                for value in values {
                    assert!(axis.position(*value).is_none_or(|p| (0.0..=1.0).contains(&p)));
                }
            }
        }
    }

    #[test]
    fn equal_ratios_take_equal_space() {
        let axis = Axis::between("", Scale::Log, 0.01, 100.0);
        let middle = axis.position(1.0).unwrap();
        assert!((middle - 0.5).abs() < 1e-12);
        assert_eq!(axis.position(-1.0), None);
        assert_eq!(axis.position_or_foot(0.0), 0.0);
    }
}
