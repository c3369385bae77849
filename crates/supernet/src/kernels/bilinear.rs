//! Where the pixels of a resampled image lie among those of the image.

/// What is held in place when an image gets another size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Corners {
    /// The outer edges of the corner pixels: PyTorch's `align_corners = false`.
    HalfPixel,
    /// The centres of the corner pixels: `align_corners = true`.
    Aligned,
}

/// One axis of an image and of what it becomes. Places are fractions of whole numbers, so that the
/// pixels an output lies between do not depend on rounding: output `o` is at
/// `max(o * step + ahead - behind, 0) / unit`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub inputs: usize,
    pub outputs: usize,
    pub step: usize,
    pub ahead: usize,
    pub behind: usize,
    pub unit: usize,
}

/// An output as a sum of two inputs with their shares, which add up to 1. Where there is no second
/// input, both are the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blend {
    pub inputs: [usize; 2],
    pub shares: [f32; 2],
}

impl Scale {
    pub fn new(inputs: usize, outputs: usize, corners: Corners) -> Self {
        let [step, ahead, behind, unit] = match corners {
            // (o + 1/2) * inputs / outputs - 1/2
            Corners::HalfPixel => [2 * inputs, inputs, outputs, 2 * outputs],
            // o * (inputs - 1) / (outputs - 1)
            Corners::Aligned => {
                let last = |size: usize| size.saturating_sub(1);
                [last(inputs), 0, 0, last(outputs).max(1)]
            }
        };
        Self {
            inputs,
            outputs,
            step,
            ahead,
            behind,
            unit,
        }
    }

    /// Both axes of an image, `[height, width]`.
    pub fn of_image(input: [usize; 2], output: [usize; 2], corners: Corners) -> [Self; 2] {
        core::array::from_fn(|axis| Self::new(input[axis], output[axis], corners))
    }

    /// What each output is made of.
    pub fn blends(&self) -> Vec<Blend> {
        (0..self.outputs).map(|output| self.blend(output)).collect()
    }

    fn blend(&self, output: usize) -> Blend {
        let place = (output * self.step + self.ahead).saturating_sub(self.behind);
        let first = place / self.unit;
        let second = ((place % self.unit) as f64 / self.unit as f64) as f32;
        Blend {
            inputs: [first, (first + 1).min(self.inputs - 1)],
            shares: [1.0 - second, second],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_lie_within_the_inputs_at_the_places_of_their_formulas() {
        for corners in [Corners::HalfPixel, Corners::Aligned] {
            for inputs in 1..20 {
                for outputs in 1..40 {
                    for (output, blend) in Scale::new(inputs, outputs, corners)
                        .blends()
                        .iter()
                        .enumerate()
                    {
                        let ratio = |inputs: usize, outputs: usize| inputs as f64 / outputs as f64;
                        let place = match corners {
                            Corners::HalfPixel => {
                                (output as f64 + 0.5) * ratio(inputs, outputs) - 0.5
                            }
                            Corners::Aligned if outputs == 1 => 0.0,
                            Corners::Aligned => output as f64 * ratio(inputs - 1, outputs - 1),
                        };
                        let place = place.clamp(0.0, (inputs - 1) as f64);
                        let [first, second] = blend.inputs.map(|input| input as f64);
                        let [near, far] = blend.shares.map(f64::from);
                        assert!(blend.inputs[1] < inputs);
                        assert!((near * first + far * second - place).abs() < 1e-5);
                    }
                }
            }
        }
    }
}
