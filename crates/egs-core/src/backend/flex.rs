use burn::tensor::{Tensor, TensorData};
use burn_flex::{Flex, FlexTensor};

use super::{
    EgsBackend, EgsForm, Forward, Spec, plain, primitive,
    rows::{self, Source},
    tensor,
};
use crate::{Noise, Normalization, normalization::SUM_EPSILON};

/// The one-pass form for hard codes with the published gradient; the plain form for the rest.
impl EgsBackend for Flex {
    fn egs_forward(logits: Tensor<Self, 2>, noise: Noise<Self>, spec: Spec) -> Forward<Self> {
        if !rows::supports(spec) {
            return plain::forward(logits, noise, spec);
        }
        let shape = logits.dims();
        let logits = primitive(logits).to_contiguous();
        let given = given(&noise);
        let route = rows::forward(logits.storage(), shape[1], source(&noise, &given), spec);
        let code: Vec<f32> = route
            .iter()
            .map(|&route| (route > 0.0) as u8 as f32)
            .collect();
        let weights = match spec.normalization {
            Normalization::None => None,
            Normalization::Sum => Some(normalized(&code, shape[1])),
        };
        let code = upload(code, shape);
        Forward {
            weights: weights.map_or_else(|| code.clone(), |weights| upload(weights, shape)),
            code,
            route: upload(route, shape),
        }
    }

    fn egs_backward(
        logits: Tensor<Self, 2>,
        noise: Noise<Self>,
        route: Tensor<Self, 2>,
        upstream: Tensor<Self, 2>,
        spec: Spec,
    ) -> Tensor<Self, 2> {
        if !rows::supports(spec) {
            return plain::backward(logits, noise, route, upstream, spec);
        }
        let shape = logits.dims();
        let [logits, route, upstream] =
            [logits, route, upstream].map(|tensor| primitive(tensor).to_contiguous());
        let given = given(&noise);
        let gradient = rows::backward(
            logits.storage(),
            shape[1],
            source(&noise, &given),
            route.storage(),
            upstream.storage(),
            spec,
        );
        upload(gradient, shape)
    }

    fn egs_form(_device: &Self::Device, spec: Spec) -> EgsForm {
        match rows::supports(spec) {
            true => EgsForm::Rows,
            false => EgsForm::Plain,
        }
    }
}

/// Given noise in row order.
fn given(noise: &Noise<Flex>) -> Option<FlexTensor> {
    match noise {
        Noise::Philox(_) => None,
        Noise::Given(noise) => Some(primitive(noise.clone()).to_contiguous()),
    }
}

fn source<'a>(noise: &Noise<Flex>, given: &'a Option<FlexTensor>) -> Source<'a> {
    match noise {
        Noise::Philox(key) => Source::Key(*key),
        Noise::Given(_) => Source::Given(given.as_ref().map_or(&[], FlexTensor::storage)),
    }
}

fn normalized(code: &[f32], ops: usize) -> Vec<f32> {
    let mut weights = code.to_vec();
    for row in weights.chunks_exact_mut(ops) {
        let sum = row.iter().sum::<f32>() + SUM_EPSILON;
        row.iter_mut().for_each(|weight| *weight /= sum);
    }
    weights
}

fn upload(values: Vec<f32>, shape: [usize; 2]) -> Tensor<Flex, 2> {
    tensor(FlexTensor::from_data(TensorData::new(values, shape)))
}
