//! What is added to the loss of a language model in training.

use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::config::checks::not_negative;
use crate::sums;

/// Penalties of hidden states (Merity et al. 2017); they are no part of the loss that is reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Regularisation {
    /// Factor of the mean square of what goes to the decoder, dropped units included.
    pub activation: f64,
    /// Factor of the mean square of the difference between states one after the other.
    pub temporal: f64,
}

impl Regularisation {
    /// Checks the values.
    ///
    /// # Errors
    ///
    /// Naming the field, what was found and what would be valid.
    pub fn validate(&self) -> Result<()> {
        not_negative("network.regularisation.activation", self.activation)?;
        not_negative("network.regularisation.temporal", self.temporal)
    }

    /// The penalty `[1]` of a sequence; none where nothing is to be added.
    ///
    /// # Shapes
    ///
    /// - `raw`, hidden states before the dropout of outputs, and `dropped`, after it:
    ///   `[time, streams, units]`
    pub fn penalty<B: Backend>(
        &self,
        raw: Tensor<B, 3>,
        dropped: Tensor<B, 3>,
    ) -> Option<Tensor<B, 1>> {
        let activation = (self.activation > 0.0).then(|| mean_square(dropped) * self.activation);
        let time = raw.dims()[0];
        // A single state has none that comes before.
        let temporal = (self.temporal > 0.0 && time > 1).then(|| {
            let later = raw.clone().narrow(0, 1, time - 1);
            let earlier = raw.narrow(0, 0, time - 1);
            mean_square(later - earlier) * self.temporal
        });
        [activation, temporal]
            .into_iter()
            .flatten()
            .reduce(|sum, term| sum + term)
    }
}

fn mean_square<B: Backend>(values: Tensor<B, 3>) -> Tensor<B, 1> {
    sums::mean(values.clone() * values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_flex::Flex;

    #[test]
    fn nothing_is_added_where_factors_are_zero_and_a_single_state_has_no_change() {
        let states = |time| Tensor::<Flex, 3>::ones([time, 2, 3], &Default::default());
        let none = Regularisation::default();
        assert!(none.penalty(states(4), states(4)).is_none());
        let temporal = Regularisation {
            temporal: 1.0,
            ..none
        };
        assert!(temporal.penalty(states(1), states(1)).is_none());
        assert_eq!(
            temporal
                .penalty(states(2), states(2))
                .unwrap()
                .into_scalar(),
            0.0
        );
    }

    #[test]
    fn a_negative_factor_is_refused() {
        let negative = Regularisation {
            activation: 0.0,
            temporal: -1.0,
        };
        let message = negative.validate().unwrap_err().to_string();
        assert!(
            message.contains("`network.regularisation.temporal` is -1"),
            "{message}"
        );
    }
}
