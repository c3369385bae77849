//! Small networks of each task, of weights and running statistics that all differ, and what they say.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData};
use burn_flex::Flex;
use serde::Serialize;
use supernet::recurrent::{
    CellChoice, CellForm, HiddenState, LanguageConfig, LanguageMasks, LanguageSize,
    RecurrentOperation, StepNormalization,
};
use supernet::segmentation::{
    EncoderChoice, PyramidConfig, SegmentationConfig, SegmentationNetworkConfig, SegmentationSize,
};
use supernet::{
    DerivedConfig, Form, Genotype, NetworkConfig, Operation, OperationSet, StateDict, Statistics,
    WeightInit,
};
use train::portable::{Inherited, Portable};
use train::tasks::image::ImageRecipe;
use train::tasks::language::{LanguageExport, LanguageRecipe};
use train::tasks::scene::{SceneExport, SceneImages, SceneRecipe};
use train::{ExportConfig, ExportedNetwork, ImageConfig, OnnxModel};

/// A tensor that goes in or comes out.
#[derive(Debug, Serialize)]
pub(super) struct Numbers {
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// A network's file, and what the network says of some inputs.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) name: &'static str,
    pub(super) model: OnnxModel,
    pub(super) state: StateDict,
    pub(super) file: Vec<u8>,
    pub(super) inputs: Vec<(&'static str, Numbers)>,
    pub(super) outputs: Vec<(&'static str, Numbers)>,
}

/// Numbers from 0 to 1 that look like chance.
fn noise(seed: u32, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    (0..count).map(|_| next()).collect()
}

/// Other values for what a network begins with as zeros and ones, so that none of it can be left out.
fn stirred(mut state: StateDict) -> StateDict {
    for (index, (name, tensor)) in state.iter_mut().enumerate() {
        let noise = noise(index as u32, tensor.values.len());
        let [low, width] = match name.rsplit('.').next() {
            Some("running_var") => [0.5, 1.0],
            Some("running_mean" | "bias") => [-0.3, 0.6],
            Some("weight") if tensor.shape.len() == 1 => [0.6, 0.8],
            _ => continue,
        };
        for (value, noise) in tensor.values.iter_mut().zip(noise) {
            *value = low + width * noise;
        }
    }
    state
}

fn exported<R: Portable>(config: R::Export) -> ExportedNetwork<R> {
    let recipe = R::of_export(&config);
    let model = recipe.init::<Flex>(&mut WeightInit::new(7), &Default::default());
    ExportedNetwork {
        weights: stirred(R::state_dict(&model.unwrap())),
        config,
    }
}

fn written<R: Portable>(
    name: &'static str,
    network: &ExportedNetwork<R>,
    inputs: Vec<(&'static str, Numbers)>,
    outputs: Vec<(&'static str, Numbers)>,
) -> Written {
    let (model, file) = network.onnx::<Flex>(&Default::default()).unwrap();
    Written {
        name,
        model,
        state: network.weights.clone(),
        file,
        inputs,
        outputs,
    }
}

fn numbers<const D: usize>(tensor: Tensor<Flex, D>) -> Numbers {
    Numbers {
        shape: tensor.dims().to_vec(),
        values: tensor.into_data().to_vec().unwrap(),
    }
}

/// Pixels from 0 to 1, and the same as a network takes them.
fn pixels(shape: [usize; 4], mean: &[f32], std: &[f32]) -> (Numbers, Tensor<Flex, 4>) {
    let [_, channels, height, width] = shape;
    let values = noise(99, shape.iter().product());
    let normalised = values.iter().enumerate().map(|(at, value)| {
        let channel = at / (height * width) % channels;
        (value - mean[channel]) / std[channel]
    });
    let normalised = TensorData::new(normalised.collect::<Vec<_>>(), shape);
    let images = Tensor::from_data(normalised, &Default::default());
    let shape = shape.to_vec();
    (Numbers { shape, values }, images)
}

const MEAN: [f32; 3] = [0.49, 0.48, 0.45];
const STD: [f32; 3] = [0.25, 0.24, 0.26];

fn genotype<O: OperationSet>(named: &str) -> Genotype<O>
where
    Genotype<O>: std::fmt::Debug,
{
    Genotype::<O>::parse(named, published::<O>(named).unwrap_or(named)).unwrap()
}

fn published<O: OperationSet>(named: &str) -> Option<&'static str> {
    let all = O::PUBLISHED.iter();
    let found = all.copied().find(|(name, _)| *name == named);
    found.map(|(_, text)| text)
}

pub(super) fn image_config(cells: &str, form: Form, sides: [usize; 2]) -> ExportConfig {
    ExportConfig {
        format: ExportConfig::FORMAT,
        network: DerivedConfig {
            network: NetworkConfig {
                image_channels: 3,
                classes: 5,
                channels: 4,
                cells: 5,
            },
            genotype: genotype::<Operation>(cells),
            form,
            auxiliary: form == Form::Cifar,
        },
        image: ImageConfig {
            height: sides[0],
            width: sides[1],
            mean: MEAN.to_vec(),
            std: STD.to_vec(),
            shorter_side: None,
        },
        class_names: Some(["a", "b", "c", "d", "e"].map(String::from).to_vec()),
        trained: None,
        inherited: None,
    }
}

fn image(name: &'static str, config: ExportConfig) -> Written {
    let network = exported::<ImageRecipe>(config);
    let image = &network.config.image;
    let (pixels, images) = pixels([3, 3, image.height, image.width], &image.mean, &image.std);
    let model = network.init::<Flex>(&Default::default()).unwrap();
    let logits = numbers(model.forward(images, Statistics::Running));
    written(
        name,
        &network,
        vec![("pixels", pixels)],
        vec![("logits", logits)],
    )
}

/// Of operations that only other cells than DARTS' have, one twice on an input, outputs of some nodes.
const FURTHER: &str = include_str!("../../torch/further.txt");

/// Several operations an edge, with weights, as a search derives them.
const WEIGHTED: &str = "\
normal: skip_connect@0*0.5 sep_conv_3x3@0*0.5 max_pool_3x3@1 | avg_pool_3x3@2*0.25 dil_conv_5x5@1
reduce: skip_connect@0 avg_pool_3x3@1*0.5 dil_conv_3x3@1*0.5 | skip_connect@1 skip_connect@2";

const INHERITED: Option<Inherited> = Some(Inherited {
    batch_size: 64,
    seed: 0,
});

pub(super) fn images() -> Vec<Written> {
    let cifar = |cells, sides| image_config(cells, Form::Cifar, sides);
    vec![
        image("image-darts-v2", cifar("darts-v2", [32, 32])),
        image("image-snas-odd", cifar("snas", [19, 27])),
        image("image-data-m4", cifar("data-m4", [32, 32])),
        image(
            "image-data-m4-imagenet",
            image_config("data-m4", Form::Imagenet, [72, 64]),
        ),
        image("image-further", cifar(FURTHER, [21, 16])),
        image(
            "image-inherited",
            ExportConfig {
                inherited: INHERITED,
                ..cifar(WEIGHTED, [17, 16])
            },
        ),
    ]
}

fn scene(
    name: &'static str,
    encoder: EncoderChoice,
    [stem_stride, output_stride]: [usize; 2],
    [height, width]: [usize; 2],
) -> Written {
    let network = exported::<SceneRecipe>(SceneExport {
        format: SceneExport::FORMAT,
        network: SegmentationNetworkConfig {
            network: SegmentationConfig {
                image_channels: 3,
                classes: 4,
                size: SegmentationSize {
                    channels: 4,
                    cells: 4,
                    stem_stride,
                    output_stride,
                    pyramid: PyramidConfig {
                        channels: 8,
                        rates: Some(vec![2, 5]),
                        dropout: 0.5,
                    },
                },
            },
            encoder,
            auxiliary: true,
        },
        image: SceneImages {
            mean: MEAN,
            std: STD,
        },
        class_names: ["sky", "tree", "road", "car"].map(String::from).to_vec(),
        trained: None,
        inherited: None,
    });
    let (pixels, images) = pixels([2, 3, height, width], &MEAN, &STD);
    let model = network.init::<Flex>(&Default::default()).unwrap();
    let logits = numbers(model.forward(images, Statistics::Running));
    written(
        name,
        &network,
        vec![("pixels", pixels)],
        vec![("logits", logits)],
    )
}

pub(super) fn scenes() -> Vec<Written> {
    let cells = |named| EncoderChoice::Cells {
        genotype: genotype::<Operation>(named),
    };
    vec![
        scene("scene-darts-v2", cells("darts-v2"), [2, 4], [33, 48]),
        scene("scene-data-m4-dilated", cells("data-m4"), [4, 4], [37, 30]),
        scene("scene-nasnet-a", cells("nasnet-a"), [4, 8], [49, 50]),
        scene("scene-nasnet-a-far", cells("nasnet-a"), [8, 8], [64, 90]),
        scene("scene-snas-whole", cells("snas"), [1, 4], [16, 16]),
        scene(
            "scene-plain",
            EncoderChoice::Plain { width: 2 },
            [2, 2],
            [21, 32],
        ),
    ]
}

fn language(name: &'static str, cell: CellChoice) -> Written {
    const SIZE: LanguageSize = LanguageSize {
        words: 50,
        hidden: 12,
    };
    const BATCH: usize = 3;
    let lstm = matches!(cell, CellChoice::Lstm);
    let mut network = exported::<LanguageRecipe>(LanguageExport {
        format: LanguageExport::FORMAT,
        network: LanguageConfig { size: SIZE, cell },
        vocabulary: (0..SIZE.words).map(|word| format!("word{word}")).collect(),
        text: None,
        trained: None,
        inherited: None,
    });
    // Large ones, so that gates are open and shut.
    for (index, (name, tensor)) in network.weights.iter_mut().enumerate() {
        if !name.starts_with("rnns.0.bn") {
            let noise = noise(index as u32 + 40, tensor.values.len());
            tensor.values = noise.iter().map(|value| 1.6 * value - 0.8).collect();
        }
    }
    let words = [3, 49, 0];
    let state = |seed| {
        let values = noise(seed, BATCH * SIZE.hidden);
        let values: Vec<f32> = values.iter().map(|value| 2.0 * value - 1.0).collect();
        let data = TensorData::new(values, [BATCH, SIZE.hidden]);
        Tensor::<Flex, 2>::from_data(data, &Default::default())
    };
    let before = HiddenState {
        hidden: state(5),
        memory: lstm.then(|| state(6)),
    };
    let mut inputs = vec![
        (
            "words",
            Numbers {
                shape: vec![BATCH],
                values: words.map(|word| word as f32).to_vec(),
            },
        ),
        ("hidden", numbers(before.hidden.clone())),
    ];
    inputs.extend(
        before
            .memory
            .clone()
            .map(|memory| ("memory", numbers(memory))),
    );
    let words = TensorData::new(words.to_vec(), [1, BATCH]);
    let words: Tensor<Flex, 2, Int> = Tensor::from_data(words, &Default::default());
    let model = network.init::<Flex>(&Default::default()).unwrap();
    let said = model.forward(
        words,
        Some(before),
        &LanguageMasks::default(),
        Statistics::Running,
    );
    let said_of_words = log_softmax(said.logits.reshape([BATCH, SIZE.words]), 1);
    let mut outputs = vec![
        ("log_probabilities", numbers(said_of_words)),
        ("next_hidden", numbers(said.state.hidden)),
    ];
    outputs.extend(
        said.state
            .memory
            .map(|memory| ("next_memory", numbers(memory))),
    );
    written(name, &network, inputs, outputs)
}

/// Several pairs a step, with weights, one of them of a sum less than 1.
const PAIRS: &str =
    "cell: tanh@0*0.5 relu@0 | sigmoid@1*0.3 | identity@0 tanh@2*2 sigmoid@2 | relu@3";

pub(super) fn languages() -> Vec<Written> {
    let derived = |named, normalization, form| CellChoice::Derived {
        genotype: genotype::<RecurrentOperation>(named),
        normalization,
        form,
    };
    let retrained = |named| derived(named, StepNormalization::StepSum, CellForm::Retrained);
    vec![
        language("language-darts-rnn-v1", retrained("darts-rnn-v1")),
        language("language-darts-rnn-v2", retrained("darts-rnn-v2")),
        language("language-lstm", CellChoice::Lstm),
        language("language-pairs", retrained(PAIRS)),
        language(
            "language-searched",
            derived(PAIRS, StepNormalization::EdgeSum, CellForm::Searched),
        ),
    ]
}
