//! How much the pixels of a class count in the loss.

use serde::{Deserialize, Serialize};
use toml::Value;

use super::set::SceneSet;
use super::{IGNORED, MOST_CLASSES};
use crate::{Result, WorkbenchError};

/// How much the pixels of a class count when a network learns; scores count all pixels alike.
///
/// In a configuration `"equal"`, `"balanced"` or a list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum ClassWeights {
    /// All alike.
    #[default]
    Equal,
    /// Those of rare classes more, by `1 / ln(1.02 + p)` of a class with the share `p` of the pixels that are
    /// learned from (ENet, Paszke et al. 2016, section 5.1): 1.4 to 50.5.
    Balanced,
    /// As stated, in the order of the classes' numbers.
    Stated(Vec<f64>),
}

const FIELD: &str = "data.class_weights";
/// What is added to the share of a class (ENet).
const LEAST: f64 = 1.02;
/// Of a large set so many masks, evenly picked, tell the shares.
const MASKS: usize = 1000;

impl TryFrom<Value> for ClassWeights {
    type Error = String;

    fn try_from(value: Value) -> std::result::Result<Self, String> {
        let number = |value: &Value| match value {
            Value::Float(number) => Some(*number),
            Value::Integer(number) => Some(*number as f64),
            _ => None,
        };
        let stated = match &value {
            Value::String(rule) if rule == "equal" => return Ok(Self::Equal),
            Value::String(rule) if rule == "balanced" => return Ok(Self::Balanced),
            Value::Array(values) => values.iter().map(number).collect(),
            _ => None,
        };
        stated.map(Self::Stated).ok_or_else(|| {
            format!("{value} is no weighting of classes; valid: \"equal\", \"balanced\" or a list of numbers")
        })
    }
}

impl From<ClassWeights> for Value {
    fn from(weights: ClassWeights) -> Self {
        match weights {
            ClassWeights::Equal => "equal".into(),
            ClassWeights::Balanced => "balanced".into(),
            ClassWeights::Stated(weights) => weights.into(),
        }
    }
}

impl ClassWeights {
    /// The weight of each class for a network that learns from these scenes, none where all count alike. Only
    /// their ratios matter.
    ///
    /// # Errors
    ///
    /// When a mask cannot be read, or stated weights are not one for each class, all of them 0 or more and
    /// not all 0.
    pub(super) fn of(&self, scenes: &SceneSet) -> Result<Option<Vec<f32>>> {
        let classes = scenes.class_names().len();
        match self {
            Self::Equal => Ok(None),
            Self::Balanced => Ok(Some(balanced(&pixels(scenes)?, classes))),
            Self::Stated(weights) => {
                let possible = |weight: &f64| *weight >= 0.0 && weight.is_finite();
                let most = weights.iter().copied().fold(0.0, f64::max);
                if weights.len() != classes || !weights.iter().all(possible) || most == 0.0 {
                    let valid =
                        format!("{classes} numbers, one for each class, 0 or more and not all 0");
                    let found = format!("{weights:?}");
                    return Err(WorkbenchError::field(FIELD, found, &valid));
                }
                // Only their ratios matter, and those of numbers of any size are kept.
                let weight = |weight: &f64| (weight / most) as f32;
                Ok(Some(weights.iter().map(weight).collect()))
            }
        }
    }
}

/// How many pixels each number of a class has.
fn pixels(scenes: &SceneSet) -> Result<[u64; MOST_CLASSES + 1]> {
    let mut counts = [0; MOST_CLASSES + 1];
    for index in (0..scenes.len()).step_by(scenes.len().div_ceil(MASKS).max(1)) {
        for class in scenes.mask(index)? {
            counts[usize::from(class)] += 1;
        }
    }
    Ok(counts)
}

fn balanced(pixels: &[u64; MOST_CLASSES + 1], classes: usize) -> Vec<f32> {
    let all: u64 = pixels[..usize::from(IGNORED)].iter().sum();
    let weight = |count: &u64| 1.0 / (LEAST + *count as f64 / all.max(1) as f64).ln();
    pixels[..classes]
        .iter()
        .map(|count| weight(count) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenes::{StandInOptions, stand_in};

    #[derive(Debug, Serialize, Deserialize)]
    struct Section {
        class_weights: ClassWeights,
    }

    fn read(value: &str) -> std::result::Result<ClassWeights, String> {
        let section = toml::from_str::<Section>(&format!("class_weights = {value}"));
        section
            .map(|section| section.class_weights)
            .map_err(|error| error.to_string())
    }

    fn scenes() -> SceneSet {
        let options = StandInOptions {
            train: 30,
            ..StandInOptions::default()
        };
        stand_in::read(&options).unwrap().train
    }

    #[test]
    fn weightings_are_written_as_they_are_read() {
        let stated = ClassWeights::Stated(vec![0.5, 2.0]);
        for (text, weights) in [
            ("\"equal\"", ClassWeights::Equal),
            ("\"balanced\"", ClassWeights::Balanced),
            ("[0.5, 2]", stated),
        ] {
            assert_eq!(read(text).unwrap(), weights);
            let class_weights = weights.clone();
            let written = toml::to_string(&Section { class_weights }).unwrap();
            assert_eq!(
                toml::from_str::<Section>(&written).unwrap().class_weights,
                weights
            );
            let json = serde_json::to_string(&weights).unwrap();
            assert_eq!(
                serde_json::from_str::<ClassWeights>(&json).unwrap(),
                weights
            );
        }
        for text in ["\"even\"", "1.0", "[\"a\"]"] {
            let message = read(text).unwrap_err();
            assert!(
                message.contains("valid: \"equal\", \"balanced\" or a list"),
                "{message}"
            );
        }
    }

    #[test]
    fn balanced_weights_are_those_of_the_shares() {
        let mut pixels = [0; MOST_CLASSES + 1];
        (pixels[0], pixels[1], pixels[usize::from(IGNORED)]) = (90, 10, 1000);
        let weights = balanced(&pixels, 3);
        let expected = [1.92_f64, 1.12, 1.02].map(|share| 1.0 / share.ln());
        for (found, expected) in weights.iter().zip(expected) {
            assert!(
                (f64::from(*found) - expected).abs() < 1e-5 * expected,
                "{weights:?}"
            );
        }
    }

    #[test]
    fn the_stand_ins_background_counts_less_than_its_digits() {
        let weights = ClassWeights::Balanced.of(&scenes()).unwrap().unwrap();
        assert_eq!(weights.len(), 11);
        assert!(
            weights[1..].iter().all(|digit| *digit > 10.0 * weights[0]),
            "{weights:?}"
        );
        assert_eq!(ClassWeights::Equal.of(&scenes()).unwrap(), None);
    }

    #[test]
    fn stated_weights_are_one_for_each_class() {
        let of = |weights: Vec<f64>| ClassWeights::Stated(weights).of(&scenes());
        for largest in [2.0, 1e-60, 1e300] {
            let weights = [vec![0.0, largest / 4.0], vec![largest; 9]].concat();
            let weights = of(weights).unwrap().unwrap();
            assert_eq!(weights[..3], [0.0, 0.25, 1.0]);
        }
        for impossible in [
            vec![1.0; 10],
            vec![0.0; 11],
            vec![-1.0; 11],
            vec![f64::NAN; 11],
        ] {
            let message = of(impossible).unwrap_err().to_string();
            assert!(message.contains("`data.class_weights` is ["), "{message}");
            assert!(
                message.contains("11 numbers, one for each class"),
                "{message}"
            );
        }
    }
}
