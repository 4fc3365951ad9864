//! Which parameters are watched.

use std::ops::Range;

use rand::seq::index;
use serde::{Deserialize, Serialize};
use train::{ParamSet, Streams};

/// How many parameters are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "permitted are a number, \"all\" and { per_layer = n }")]
pub enum Amount {
    /// So many, uniformly at random without replacement: a layer of many parameters gets many.
    Uniform(usize),
    /// All of them.
    All(All),
    /// So many of each layer, or all that it has.
    Stratified(PerLayer),
}

/// The word `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum All {
    /// `all`.
    All,
}

/// So many of each layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerLayer {
    /// How many.
    pub per_layer: usize,
}

/// Positions in the flattened parameters, increasing, with their names.
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinates {
    entries: Vec<Coordinate>,
}

/// One scalar parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinate {
    /// Position in the flattened parameters.
    pub index: usize,
    /// The tensor it lies in, `fc1.weight`.
    pub layer: String,
    /// Place of that tensor among all of the network, from 0.
    pub depth: usize,
    /// Tensor and position, `fc1.weight[12,3]`.
    pub name: String,
}

impl Coordinates {
    /// `n` parameters, uniformly at random without replacement, from the stream `coordinates`.
    ///
    /// # Panics
    /// When there are fewer than `n`.
    pub fn uniform(params: &ParamSet, n: usize, streams: &Streams) -> Self {
        Self::choose(params, Amount::Uniform(n), &[], streams)
    }

    /// Parameters of the layers that match one of `patterns`, or of all layers if there is none; from the stream
    /// `coordinates`.
    ///
    /// A layer is one tensor; in a pattern, `*` stands for any text.
    ///
    /// # Panics
    /// When there are fewer than [`Amount::Uniform`] asks for.
    pub fn choose(
        params: &ParamSet,
        amount: Amount,
        patterns: &[String],
        streams: &Streams,
    ) -> Self {
        let mut rng = streams.named("coordinates").rng(0);
        let layers = chosen_layers(params, patterns);
        let mut indices: Vec<usize> = match amount {
            Amount::All(All::All) => layers.into_iter().flat_map(|(_, span)| span).collect(),
            Amount::Uniform(n) => {
                let all: Vec<_> = layers.into_iter().map(|(_, span)| span).collect();
                let n_all = all.iter().map(ExactSizeIterator::len).sum();
                let nth = |mut position: usize| {
                    let mut spans = all.iter();
                    loop {
                        let span = spans.next().expect("positions are below the sum of lengths");
                        match position.checked_sub(span.len()) {
                            Some(rest) => position = rest,
                            None => return span.start + position,
                        }
                    }
                };
                index::sample(&mut rng, n_all, n).iter().map(nth).collect()
            }
            Amount::Stratified(PerLayer { per_layer }) => {
                let mut of_layer = |(_, span): (&str, Range<usize>)| -> Vec<usize> {
                    let offsets = index::sample(&mut rng, span.len(), per_layer.min(span.len()));
                    offsets.iter().map(|offset| span.start + offset).collect()
                };
                layers.into_iter().flat_map(&mut of_layer).collect()
            }
        };
        indices.sort_unstable();
        let entries = indices.into_iter().map(|index| {
            let (layer, _) = params.locate(index);
            let name = params.name_of(index);
            let depth = params.named_tensors().position(|(name, _)| name == layer);
            let depth = depth.expect("a layer of this network");
            Coordinate { index, layer: layer.to_owned(), depth, name }
        });
        Self { entries: entries.collect() }
    }

    /// The parameters in increasing order of position.
    pub fn entries(&self) -> &[Coordinate] {
        &self.entries
    }

    /// The positions.
    pub fn indices(&self) -> Vec<usize> {
        self.entries.iter().map(|entry| entry.index).collect()
    }

    /// The values of a flattened gradient at these positions.
    pub fn pick(&self, flat: &[f64]) -> Vec<f64> {
        self.entries.iter().map(|coordinate| flat[coordinate.index]).collect()
    }

    /// Those at some places, which increase.
    pub(crate) fn at(&self, places: &[usize]) -> Self {
        Self { entries: places.iter().map(|&place| self.entries[place].clone()).collect() }
    }

    /// Puts others behind these.
    pub(crate) fn append(&mut self, other: Self) {
        self.entries.extend(other.entries);
    }
}

/// At most `n` of `n_all` places, at equal distances.
pub(crate) fn thinned(n_all: usize, n: usize) -> Vec<usize> {
    let n = n.min(n_all);
    (0..n).map(|idx| idx * n_all / n).collect()
}

/// Names and spans of the layers that match.
pub(crate) fn chosen_layers<'a>(
    params: &'a ParamSet,
    patterns: &[String],
) -> Vec<(&'a str, Range<usize>)> {
    let mut start = 0;
    let layers = params.named_tensors().map(|(name, tensor)| {
        let span = start..start + tensor.elem_count();
        start = span.end;
        (name, span)
    });
    let wanted = |name: &str| patterns.is_empty() || patterns.iter().any(|p| matches(p, name));
    layers.filter(|(name, _)| wanted(name)).collect()
}

/// Whether a name is what a pattern says, in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(name) = name.strip_prefix(start).and_then(|name| name.strip_suffix(end)) else {
        return false;
    };
    // The first place of each part leaves the most for those behind it.
    let mut left = Some(name);
    for part in middle.split('*') {
        left = left.and_then(|left| left.split_once(part)).map(|(_, behind)| behind);
    }
    left.is_some()
}

#[cfg(test)]
pub(crate) mod tests {
    use candle_core::{DType, Device, Tensor};

    use super::*;

    /// So many without a network.
    pub(crate) fn anonymous(n: usize) -> Coordinates {
        let entry = |index| {
            let (layer, name) = ("fc1.weight".to_owned(), format!("fc1.weight[{index}]"));
            Coordinate { index, layer, depth: 0, name }
        };
        Coordinates { entries: (0..n).map(entry).collect() }
    }

    /// Layers of 6, 2 and 8.
    fn params() -> ParamSet {
        let tensor = |dims: &[usize]| Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap();
        let named = [("fc1.weight", &[2, 3][..]), ("fc1.bias", &[2]), ("fc2.weight", &[4, 2])];
        ParamSet::new(named.map(|(name, dims)| (name.into(), tensor(dims))).into()).unwrap()
    }

    fn chosen(amount: Amount, patterns: &[&str]) -> Vec<usize> {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.into()).collect();
        Coordinates::choose(&params(), amount, &patterns, &Streams::new(1)).indices()
    }

    #[test]
    fn whole_layers_are_chosen_by_name() {
        let all = Amount::All(All::All);
        assert_eq!(chosen(all, &[]), (0..16).collect::<Vec<_>>());
        assert_eq!(chosen(all, &["fc1.bias"]), [6, 7]);
        assert_eq!(chosen(all, &["*.weight"]), (0..6).chain(8..16).collect::<Vec<_>>());
        assert!(chosen(all, &["fc"]).is_empty());
    }

    #[test]
    fn a_number_is_drawn_from_what_matches_and_each_is_as_likely() {
        let indices = chosen(Amount::Uniform(5), &["fc2*"]);
        assert!(indices.len() == 5 && indices.iter().all(|index| (8..16).contains(index)));
        let mut n_chosen = [0; 16];
        for seed in 0..2000 {
            let streams = Streams::new(seed);
            let patterns = ["*weight".to_owned()];
            let found = Coordinates::choose(&params(), Amount::Uniform(7), &patterns, &streams);
            found.indices().iter().for_each(|&index| n_chosen[index] += 1);
        }
        assert_eq!(n_chosen[6..8], [0, 0]);
        // Binomial(2000, 1/2) has a standard deviation of 22.
        let others = n_chosen[..6].iter().chain(&n_chosen[8..]);
        assert!(others.clone().all(|n| (1000i32 - n).abs() < 100), "{n_chosen:?}");
    }

    #[test]
    fn each_layer_gets_as_many() {
        let indices = chosen(Amount::Stratified(PerLayer { per_layer: 3 }), &[]);
        let inside =
            |span: Range<usize>| indices.iter().filter(|index| span.contains(index)).count();
        assert_eq!((inside(0..6), inside(6..8), inside(8..16)), (3, 2, 3));
    }

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("layer1.*", "layer1.0.conv1.weight", true),
            ("layer1.*", "layer10.weight", false),
            ("*bn*.bias", "layer1.0.bn2.bias", true),
            ("*bn*.bias", "layer1.0.bn2.weight", false),
            ("*", "x", true),
            ("x", "x", true),
            ("*ü", "für ü", true),
            ("a*b*c*d", "a-b-b-c-d", true),
            ("a*b*c*d", "a-c-b-d", false),
            ("ab*ba", "aba", false),
            ("**", "x", true),
            ("************************z", "layer1.0.conv1.weight", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn places_at_equal_distances() {
        assert_eq!(thinned(16, 4), [0, 4, 8, 12]);
        assert_eq!(thinned(3, 99), [0, 1, 2]);
        assert!(thinned(0, 4).is_empty());
    }
}
