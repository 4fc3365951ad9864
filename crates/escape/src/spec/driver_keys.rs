//! `escape.driver` of an experiment as it is written: every key by itself, so that what is wrong with one is said of it.

use serde::Deserialize;
use train::Sampling;

use super::{DriverSpec, Indices};
use crate::drivers::Covariance;

/// The drivers that an experiment can name.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    MinibatchSgd,
    Brownian,
    Stable,
    StateDependent,
    Multiplicative,
    Decoupled,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a driver, such as { kind = \"multiplicative\" }")]
pub(super) struct Keys {
    kind: Kind,
    momentum: Option<f64>,
    sampling: Option<Sampling>,
    covariance: Option<Written>,
    alpha: Option<Indices>,
    scale: Option<f64>,
    at_minimum: Option<f64>,
    growth: Option<f64>,
}

/// Any mistake in a covariance is answered with all of its forms.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "permitted is { isotropic = variance }, { diagonal = [variance, …] }, \
                 { full = [[…], …] }, or { minibatch = \"isotropic\" }, \"diagonal\", \"full\""
)]
enum Written {
    Covariance(Covariance),
}

impl TryFrom<Keys> for DriverSpec {
    type Error = String;

    fn try_from(keys: Keys) -> Result<Self, String> {
        let Keys { kind, momentum, sampling, covariance, alpha, scale, at_minimum, growth } = keys;
        let given = [
            ("momentum", momentum.is_some()),
            ("sampling", sampling.is_some()),
            ("covariance", covariance.is_some()),
            ("alpha", alpha.is_some()),
            ("scale", scale.is_some()),
            ("at_minimum", at_minimum.is_some()),
            ("growth", growth.is_some()),
        ];
        let (name, known): (&str, &[&str]) = match kind {
            Kind::MinibatchSgd => ("minibatch_sgd", &["momentum", "sampling"]),
            Kind::Brownian => ("brownian", &["covariance"]),
            Kind::Stable => ("stable", &["alpha", "scale"]),
            Kind::StateDependent => ("state_dependent", &["at_minimum", "growth"]),
            Kind::Multiplicative => ("multiplicative", &[]),
            Kind::Decoupled => ("decoupled", &[]),
        };
        if let Some((key, _)) = given.iter().find(|(key, given)| *given && !known.contains(key)) {
            return Err(format!("key `{key}` does not belong to kind `{name}`"));
        }
        let missing = |key: &str| format!("key `{key}` of kind `{name}` is missing");
        Ok(match kind {
            Kind::MinibatchSgd => DriverSpec::MinibatchSgd {
                momentum: momentum.unwrap_or(0.),
                sampling: sampling.unwrap_or_default(),
            },
            Kind::Brownian => {
                let Written::Covariance(covariance) =
                    covariance.ok_or_else(|| missing("covariance"))?;
                DriverSpec::Brownian { covariance }
            }
            Kind::Stable => DriverSpec::Stable {
                alpha: alpha.ok_or_else(|| missing("alpha"))?,
                scale: scale.ok_or_else(|| missing("scale"))?,
            },
            Kind::StateDependent => DriverSpec::StateDependent {
                at_minimum: at_minimum.ok_or_else(|| missing("at_minimum"))?,
                growth: growth.ok_or_else(|| missing("growth"))?,
            },
            Kind::Multiplicative => DriverSpec::Multiplicative {},
            Kind::Decoupled => DriverSpec::Decoupled {},
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drivers::MinibatchNoise;

    #[test]
    fn drivers_read_as_they_are_written() {
        let sampling = Sampling::WithReplacement;
        for spec in [
            DriverSpec::MinibatchSgd { momentum: 0.5, sampling },
            DriverSpec::Brownian { covariance: Covariance::Full(vec![vec![1.]]) },
            DriverSpec::Brownian { covariance: Covariance::Minibatch(MinibatchNoise::Diagonal) },
            DriverSpec::Stable { alpha: Indices::Each(vec![1.5, 2.]), scale: 0.1 },
            DriverSpec::StateDependent { at_minimum: 1., growth: 0. },
            DriverSpec::Multiplicative {},
            DriverSpec::Decoupled {},
        ] {
            let written = serde_json::to_string(&spec).unwrap();
            assert_eq!(serde_json::from_str::<DriverSpec>(&written).unwrap(), spec);
        }
        let shortest = serde_json::from_str::<DriverSpec>(r#"{"kind": "minibatch_sgd"}"#);
        assert_eq!(shortest.unwrap(), DriverSpec::default());
    }

    #[test]
    fn keys_that_do_not_belong_or_are_missing_are_named() {
        let message = |text| serde_json::from_str::<DriverSpec>(text).unwrap_err().to_string();
        let foreign = message(r#"{"kind": "decoupled", "scale": 1}"#);
        assert_eq!(foreign, "key `scale` does not belong to kind `decoupled`");
        let missing = message(r#"{"kind": "stable", "alpha": 1}"#);
        assert_eq!(missing, "key `scale` of kind `stable` is missing");
    }
}
