//! The trainable parameters of a network, in the order of the network.

use candle_core::{DType, Device, Tensor, Var};

use crate::error::TrainError;

/// Ordered, named parameters. Coordinate `i` of a flattened gradient means the same number in every run.
///
/// Buffers, such as running statistics, are kept beside them: they are not trained and have no coordinates.
pub struct ParamSet {
    params: Vec<Param>,
    buffers: Vec<(String, Var)>,
}

struct Param {
    name: String,
    var: Var,
    start: usize,
}

impl ParamSet {
    /// Takes ownership of named tensors; their order is the order of coordinates.
    pub fn new(tensors: Vec<(String, Tensor)>) -> Result<Self, TrainError> {
        let mut start = 0;
        let mut params = Vec::with_capacity(tensors.len());
        for (name, tensor) in tensors {
            let n_elements = tensor.elem_count();
            params.push(Param { name, var: Var::from_tensor(&tensor)?, start });
            start += n_elements;
        }
        Ok(Self { params, buffers: Vec::new() })
    }

    /// With buffers beside the parameters.
    pub fn with_buffers(self, tensors: Vec<(String, Tensor)>) -> Result<Self, TrainError> {
        let buffers = tensors
            .into_iter()
            .map(|(name, tensor)| Ok((name, Var::from_tensor(&tensor.copy()?)?)))
            .collect::<Result<_, TrainError>>()?;
        Ok(Self { buffers, ..self })
    }

    /// Names and values of the buffers, in order.
    pub fn named_buffers(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.buffers.iter().map(|(name, var)| (name.as_str(), var.as_tensor()))
    }

    /// Whether there is a batch normalisation: nothing else has a buffer.
    pub fn has_batch_norm(&self) -> bool {
        !self.buffers.is_empty()
    }

    /// The buffer of that name.
    pub fn buffer(&self, name: &str) -> Option<&Var> {
        self.buffers.iter().find(|(other, _)| other == name).map(|(_, var)| var)
    }

    /// A copy that shares no memory with this one.
    pub fn duplicate(&self) -> Result<Self, TrainError> {
        let tensors =
            self.named_tensors().map(|(name, tensor)| Ok((name.to_owned(), tensor.copy()?)));
        let buffers = self.named_buffers().map(|(name, tensor)| (name.to_owned(), tensor.clone()));
        Self::new(tensors.collect::<Result<_, TrainError>>()?)?.with_buffers(buffers.collect())
    }

    /// The variables in order.
    pub fn vars(&self) -> impl ExactSizeIterator<Item = &Var> {
        self.params.iter().map(|param| &param.var)
    }

    /// The variable of that name.
    pub fn var(&self, name: &str) -> Option<&Var> {
        self.params.iter().find(|param| param.name == name).map(|param| &param.var)
    }

    /// Names and values in order.
    pub fn named_tensors(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.params.iter().map(|param| (param.name.as_str(), param.var.as_tensor()))
    }

    /// Number of scalar parameters.
    pub fn n_parameters(&self) -> usize {
        self.params.last().map_or(0, |last| last.start + last.var.elem_count())
    }

    /// The tensor that a flat coordinate lies in, with the position inside it: `("fc1.weight", [12, 3])`.
    ///
    /// # Panics
    /// When `coordinate` is not below [`n_parameters`](Self::n_parameters).
    pub fn locate(&self, coordinate: usize) -> (&str, Vec<usize>) {
        assert!(coordinate < self.n_parameters(), "coordinate {coordinate} out of range");
        let idx = self.params.partition_point(|param| param.start <= coordinate) - 1;
        let param = &self.params[idx];
        let mut rest = coordinate - param.start;
        let mut position: Vec<usize> = Vec::new();
        for &size in param.var.dims().iter().rev() {
            position.push(rest % size);
            rest /= size;
        }
        position.reverse();
        (&param.name, position)
    }

    /// The name of a flat coordinate in every table: `fc1.weight[12,3]`.
    ///
    /// # Panics
    /// When `coordinate` is not below [`n_parameters`](Self::n_parameters).
    pub fn name_of(&self, coordinate: usize) -> String {
        let (tensor, position) = self.locate(coordinate);
        let position: Vec<String> = position.iter().map(usize::to_string).collect();
        format!("{tensor}[{}]", position.join(","))
    }

    /// Flat coordinates as positions in the tensors that they lie in, a list for every tensor.
    ///
    /// # Panics
    /// When `coordinates` do not increase, or are not below [`n_parameters`](Self::n_parameters).
    pub fn by_tensor(&self, coordinates: &[usize]) -> Vec<Vec<usize>> {
        assert!(coordinates.is_sorted_by(|a, b| a < b), "coordinates do not increase");
        assert!(coordinates.last().is_none_or(|&last| last < self.n_parameters()));
        let from = |at: usize| coordinates.partition_point(|&coordinate| coordinate < at);
        let of_tensor = |param: &Param| {
            let inside = from(param.start)..from(param.start + param.var.elem_count());
            coordinates[inside].iter().map(|coordinate| coordinate - param.start).collect()
        };
        self.params.iter().map(of_tensor).collect()
    }

    /// All parameters as one vector, `[n_parameters]`.
    pub fn flatten(&self) -> Result<Vec<f64>, TrainError> {
        flatten(self.vars().map(Var::as_tensor))
    }

    /// Sets all parameters from one vector `[n_parameters]`, rounded to their own types.
    ///
    /// # Panics
    /// When `values` has another length.
    pub fn assign(&self, values: &[f64]) -> Result<(), TrainError> {
        for (var, tensor) in self.vars().zip(self.split(values)?) {
            var.set(&tensor)?;
        }
        Ok(())
    }

    /// One vector `[n_parameters]` as tensors like the parameters, of their shapes and types and on their device.
    ///
    /// # Panics
    /// When `values` has another length.
    pub fn split(&self, values: &[f64]) -> Result<Vec<Tensor>, TrainError> {
        assert_eq!(values.len(), self.n_parameters(), "a value for each parameter");
        let of_param = |param: &Param| {
            let (var, own) = (&param.var, &values[param.start..][..param.var.elem_count()]);
            let tensor = Tensor::from_slice(own, var.shape(), &Device::Cpu)?;
            Ok(tensor.to_dtype(var.dtype())?.to_device(var.device())?)
        };
        self.params.iter().map(of_param).collect()
    }

    /// A copy with parameters and buffers of another type; counters stay whole numbers.
    pub fn to_dtype(&self, dtype: DType) -> Result<Self, TrainError> {
        let convert = |(name, tensor): (&str, &Tensor)| -> Result<_, TrainError> {
            let dtype = if tensor.dtype().is_float() { dtype } else { tensor.dtype() };
            Ok((name.to_owned(), tensor.copy()?.to_dtype(dtype)?))
        };
        Self::new(self.named_tensors().map(convert).collect::<Result<_, _>>()?)?
            .with_buffers(self.named_buffers().map(convert).collect::<Result<_, _>>()?)
    }

    /// Euclidean distance to another set with the same parameters.
    pub fn distance(&self, other: &ParamSet) -> Result<f64, TrainError> {
        let (own, other) = (self.flatten()?, other.flatten()?);
        Ok(own.iter().zip(&other).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt())
    }
}

/// Concatenates tensors into one vector of `f64`, each in row-major order.
pub fn flatten<'a>(tensors: impl Iterator<Item = &'a Tensor>) -> Result<Vec<f64>, TrainError> {
    let mut flat = Vec::new();
    for tensor in tensors {
        let values = tensor.flatten_all()?.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
        flat.extend(values.to_vec1::<f64>()?);
    }
    Ok(flat)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> ParamSet {
        let weight = Tensor::arange(0f32, 6., &Device::Cpu).unwrap().reshape((2, 3)).unwrap();
        let bias = Tensor::new(&[10f32, 11.], &Device::Cpu).unwrap();
        ParamSet::new(vec![("fc.weight".into(), weight), ("fc.bias".into(), bias)]).unwrap()
    }

    #[test]
    fn locate_agrees_with_the_flat_order() {
        let params = example();
        let flat = params.flatten().unwrap();
        assert_eq!(flat.len(), params.n_parameters());
        for (coordinate, value) in flat.iter().enumerate() {
            let (name, position) = params.locate(coordinate);
            let mut tensor = params.var(name).unwrap().as_tensor().clone();
            for idx in position {
                tensor = tensor.get(idx).unwrap();
            }
            assert_eq!(f64::from(tensor.to_scalar::<f32>().unwrap()), *value);
        }
        assert_eq!(params.locate(4), ("fc.weight", vec![1, 1]));
        assert_eq!(params.locate(7), ("fc.bias", vec![1]));
        assert_eq!([4, 7].map(|at| params.name_of(at)), ["fc.weight[1,1]", "fc.bias[1]"]);
    }

    #[test]
    fn a_duplicate_shares_nothing() {
        let (params, copy) = (example(), example().duplicate().unwrap());
        let bias = copy.var("fc.bias").unwrap();
        bias.set(&bias.affine(1., 3.).unwrap()).unwrap();
        assert_eq!(params.var("fc.bias").unwrap().to_vec1::<f32>().unwrap(), [10., 11.]);
        assert!((params.distance(&copy).unwrap() - 18f64.sqrt()).abs() < 1e-12);
    }
}
