use serde::{Deserialize, Serialize};

use crate::{Activation, Egs, EgsError, Gradient, Mode, Normalization, backend::Spec};

/// Draws are told apart by whole f32 numbers and by the noise counter.
const DRAWS_LIMIT: usize = 1 << 16;

/// With the draws they fill the 32 bits of the noise counter's draw word.
const RESAMPLES_LIMIT: u32 = (1 << 16) - 2;

/// Settings of the estimator.
///
/// ```
/// use egs_core::{Activation, EgsConfig, Normalization};
///
/// let egs = EgsConfig::new(4)
///     .with_temperature(0.5)
///     .with_activation(Activation::Relu)
///     .with_normalization(Normalization::Sum)
///     .init()?;
/// # Ok::<(), egs_core::EgsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EgsConfig {
    /// Number of Gumbel-Softmax draws in the ensemble (M). Between 1 and `min(M, ops)` operations
    /// are on; 1 is the straight-through Gumbel-Softmax.
    pub draws: usize,
    /// Temperature of the relaxation (tau). It does not change the code, only the gradient.
    #[serde(default = "default_temperature")]
    pub temperature: f64,
    /// How probabilities are made from logits.
    #[serde(default)]
    pub activation: Activation,
    /// How weights are made from the code.
    #[serde(default)]
    pub normalization: Normalization,
    /// Which gradient the code passes to the logits.
    #[serde(default)]
    pub gradient: Gradient,
    /// Whether the code is binary or relaxed.
    #[serde(default)]
    pub mode: Mode,
}

fn default_temperature() -> f64 {
    1.0
}

impl EgsConfig {
    /// Settings with temperature 1, softmax probabilities and no normalisation.
    pub fn new(draws: usize) -> Self {
        Self {
            draws,
            temperature: default_temperature(),
            activation: Activation::default(),
            normalization: Normalization::default(),
            gradient: Gradient::default(),
            mode: Mode::default(),
        }
    }

    /// Sets the temperature of the relaxation.
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// Sets how probabilities are made from logits.
    pub fn with_activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// Sets how weights are made from the code.
    pub fn with_normalization(mut self, normalization: Normalization) -> Self {
        self.normalization = normalization;
        self
    }

    /// Sets which gradient the code passes to the logits.
    pub fn with_gradient(mut self, gradient: Gradient) -> Self {
        self.gradient = gradient;
        self
    }

    /// Sets whether the code is binary or relaxed.
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// No draws, more than 65536 of them, a temperature that is not a positive, finite and normal
    /// f32, Gumbel-Rao with 0 or more than 65534 resamples, or the relaxed mode with another
    /// gradient than the default one.
    pub fn init(&self) -> Result<Egs, EgsError> {
        if self.draws == 0 {
            return Err(EgsError::NoDraws);
        }
        if self.draws > DRAWS_LIMIT {
            return Err(EgsError::TooManyDraws {
                draws: self.draws,
                limit: DRAWS_LIMIT,
            });
        }
        let temperature = self.temperature as f32;
        if !(temperature.is_normal() && temperature > 0.0) {
            return Err(EgsError::Temperature(self.temperature));
        }
        let replaced = match self.gradient {
            Gradient::FirstDraw => None,
            Gradient::TiedDraws => Some("tied draws"),
            Gradient::Marginal => Some("the marginal gradient"),
            Gradient::GumbelRao { resamples } if (1..=RESAMPLES_LIMIT).contains(&resamples) => {
                Some("Gumbel-Rao")
            }
            Gradient::GumbelRao { resamples } => {
                return Err(EgsError::Resamples {
                    resamples,
                    limit: RESAMPLES_LIMIT,
                });
            }
        };
        if let (Mode::Relaxed, Some(gradient)) = (self.mode, replaced) {
            return Err(EgsError::RelaxedGradient(gradient));
        }
        Ok(Egs {
            spec: Spec {
                draws: self.draws,
                temperature,
                activation: self.activation,
                normalization: self.normalization,
                gradient: self.gradient,
                mode: self.mode,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_settings_without_meaning() {
        assert_eq!(EgsConfig::new(0).init().unwrap_err(), EgsError::NoDraws);
        assert!(matches!(
            EgsConfig::new(DRAWS_LIMIT + 1).init().unwrap_err(),
            EgsError::TooManyDraws { .. }
        ));
        for temperature in [0.0, -1.0, 1e-60, 1e60, f64::INFINITY, f64::NAN] {
            let config = EgsConfig::new(1).with_temperature(temperature);
            assert!(
                matches!(config.init().unwrap_err(), EgsError::Temperature(_)),
                "{temperature}"
            );
        }
        assert!(EgsConfig::new(DRAWS_LIMIT).init().is_ok());
        for resamples in [0, RESAMPLES_LIMIT + 1] {
            let config = EgsConfig::new(1).with_gradient(Gradient::GumbelRao { resamples });
            assert!(matches!(
                config.init().unwrap_err(),
                EgsError::Resamples { .. }
            ));
        }
        let relaxed = EgsConfig::new(1).with_mode(Mode::Relaxed);
        assert!(relaxed.init().is_ok());
        assert_eq!(
            relaxed
                .with_gradient(Gradient::Marginal)
                .init()
                .unwrap_err(),
            EgsError::RelaxedGradient("the marginal gradient")
        );
    }

    #[test]
    fn absent_fields_take_defaults_and_unknown_ones_are_refused() {
        let config: EgsConfig = serde_json::from_str(r#"{"draws": 4}"#).unwrap();
        assert_eq!(config, EgsConfig::new(4));
        assert!(serde_json::from_str::<EgsConfig>(r#"{"draws": 4, "tau": 1}"#).is_err());
        let config = config.with_activation(Activation::Relu);
        let text = serde_json::to_string(&config).unwrap();
        assert!(text.contains(r#""relu""#), "{text}");
        assert_eq!(serde_json::from_str::<EgsConfig>(&text).unwrap(), config);
    }
}
