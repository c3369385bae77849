//! Functions of a graph as nodes of ONNX.

mod pool;

use std::collections::{BTreeSet, HashMap};

use onnx_rs::ast::OpType;
use supernet::graph::{Call, Function, Graph, Rows, Value};
use supernet::kernels::WindowOptions;
use supernet::{NamedTensor, StateDict};

use super::constant::Constant;
use crate::TrainError;

/// An attribute of a node.
#[derive(Debug)]
pub(super) enum Attribute {
    Whole(i64),
    Float(f32),
    Wholes(Vec<i64>),
    Text(&'static str),
}

/// A node of a file.
#[derive(Debug)]
pub(super) struct OnnxNode {
    pub(super) operator: OpType<'static>,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) attributes: Vec<(&'static str, Attribute)>,
}

/// What a file's graph is made of.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) nodes: Vec<OnnxNode>,
    pub(super) constants: Vec<Constant>,
}

/// Nodes and constants of a graph.
pub(super) fn content(graph: &Graph, state: &StateDict) -> Result<Content, TrainError> {
    let ports = graph.inputs.iter().chain(&graph.outputs);
    let mut writer = Writer {
        state,
        ports: ports.map(|port| (port.value, port.name)).collect(),
        written: BTreeSet::new(),
        content: Content {
            nodes: Vec::new(),
            constants: Vec::new(),
        },
        helpers: 0,
    };
    for call in &graph.calls {
        writer.write(call)?;
    }
    Ok(writer.content)
}

struct Writer<'a> {
    state: &'a StateDict,
    /// Names of what goes in and comes out.
    ports: HashMap<Value, &'static str>,
    /// Tensors of the state that the file holds.
    written: BTreeSet<&'a str>,
    content: Content,
    /// Number of names that stand for no value of the graph.
    helpers: usize,
}

/// Rows and columns of an image.
const SIDES: [i64; 2] = [2, 3];

impl<'a> Writer<'a> {
    fn write(&mut self, call: &Call) -> Result<(), TrainError> {
        let names = |values: &[Value]| values.iter().map(|&value| self.name(value)).collect();
        let (inputs, outputs): (Vec<String>, Vec<String>) =
            (names(&call.inputs), names(&call.outputs));
        let axis = |axis| ("axis", Attribute::Whole(axis));
        match &call.function {
            Function::Convolution {
                weight,
                bias,
                window,
                groups,
            } => {
                let kernel = self.tensor(weight)?.shape[2..].to_vec();
                let inputs = with(inputs, self.weight_and_bias(weight, bias.as_deref())?);
                let mut attributes = window_attributes(&kernel, *window);
                attributes.push(("group", Attribute::Whole(*groups as i64)));
                self.push(OpType::Conv, inputs, outputs, attributes);
            }
            Function::Linear { weight, bias, rows } => {
                let inputs = with(inputs, self.weight_and_bias(weight, bias.as_deref())?);
                let attributes = match rows {
                    Rows::Inputs => Vec::new(),
                    Rows::Outputs => vec![("transB", Attribute::Whole(1))],
                };
                self.push(OpType::Gemm, inputs, outputs, attributes);
            }
            Function::LookUp { table } => {
                self.tensor(table)?;
                let inputs = with(vec![table.clone()], inputs);
                self.push(OpType::Gather, inputs, outputs, Vec::new());
            }
            Function::Normalisation {
                affine,
                running,
                epsilon,
            } => {
                let inputs = with(inputs, self.normalisation(affine.as_ref(), running)?);
                let epsilon = ("epsilon", Attribute::Float(*epsilon as f32));
                self.push(OpType::BatchNormalization, inputs, outputs, vec![epsilon]);
            }
            Function::Standardisation { mean, std } => {
                self.standardised([mean, std], inputs, outputs);
            }
            Function::MaxPool(window) => self.max_pool(*window, inputs, outputs),
            Function::AvgPool(window) => self.avg_pool(*window, inputs, outputs),
            Function::Shifted(by) => self.shifted(*by as i64, inputs, outputs),
            Function::Expanded => self.expanded(inputs, outputs),
            Function::Upsampled => self.upsampled(inputs, outputs),
            Function::Scaled(factor) => {
                let factor = self.floats(&[], &[*factor as f32]);
                self.push(OpType::Mul, with(inputs, [factor]), outputs, Vec::new());
            }
            Function::Parts(parts) => {
                let parts = ("num_outputs", Attribute::Whole(*parts as i64));
                self.push(OpType::Split, inputs, outputs, vec![axis(1), parts]);
            }
            Function::Joined => self.push(OpType::Concat, inputs, outputs, vec![axis(1)]),
            Function::LogSoftmax => self.push(OpType::LogSoftmax, inputs, outputs, vec![axis(-1)]),
            Function::Rectified => self.push(OpType::Relu, inputs, outputs, Vec::new()),
            Function::Tanh => self.push(OpType::Tanh, inputs, outputs, Vec::new()),
            Function::Sigmoid => self.push(OpType::Sigmoid, inputs, outputs, Vec::new()),
            Function::Sum => self.push(OpType::Add, inputs, outputs, Vec::new()),
            Function::Difference => self.push(OpType::Sub, inputs, outputs, Vec::new()),
            Function::Product => self.push(OpType::Mul, inputs, outputs, Vec::new()),
            Function::GlobalAverage => {
                self.push(OpType::GlobalAveragePool, inputs, outputs, Vec::new());
            }
            Function::Flattened => self.push(OpType::Flatten, inputs, outputs, Vec::new()),
        }
        Ok(())
    }

    fn weight_and_bias(
        &mut self,
        weight: &str,
        bias: Option<&str>,
    ) -> Result<Vec<String>, TrainError> {
        let names: Vec<&str> = [weight].into_iter().chain(bias).collect();
        for name in &names {
            self.tensor(name)?;
        }
        Ok(names.into_iter().map(String::from).collect())
    }

    /// Scale, shift, mean and variance; ones and zeros for an affine map that is not there.
    fn normalisation(
        &mut self,
        affine: Option<&[String; 2]>,
        running: &[String; 2],
    ) -> Result<Vec<String>, TrainError> {
        for name in running.iter().chain(affine.into_iter().flatten()) {
            self.tensor(name)?;
        }
        let channels = self.tensor(&running[0])?.values.len();
        let affine = match affine {
            Some(affine) => affine.clone(),
            None => [1.0, 0.0].map(|value| self.floats(&[channels], &vec![value; channels])),
        };
        Ok(affine.into_iter().chain(running.iter().cloned()).collect())
    }

    fn standardised(&mut self, constants: [&[f32]; 2], inputs: Vec<String>, outputs: Vec<String>) {
        let [mean, std] = constants.map(|values| self.floats(&[1, values.len(), 1, 1], values));
        let centred = self.helper();
        let around = with(inputs, [mean]);
        self.push(OpType::Sub, around, vec![centred.clone()], Vec::new());
        self.push(OpType::Div, vec![centred, std], outputs, Vec::new());
    }

    /// Zeros below and to the right, of which as much is cut off above and to the left: at any size of image.
    fn shifted(&mut self, by: i64, inputs: Vec<String>, outputs: Vec<String>) {
        let padding = self.wholes(&[0, 0, 0, 0, 0, 0, by, by]);
        let padded = self.helper();
        let inputs = with(inputs, [padding]);
        self.push(OpType::Pad, inputs, vec![padded.clone()], Vec::new());
        let places = [[by; 2], [i64::MAX; 2], SIDES].map(|values| self.wholes(&values));
        let inputs = with(vec![padded], places);
        self.push(OpType::Slice, inputs, outputs, Vec::new());
    }

    fn expanded(&mut self, inputs: Vec<String>, outputs: Vec<String>) {
        let [x, like] = two(inputs);
        let shape = self.shape(&like, Vec::new());
        self.push(OpType::Expand, vec![x, shape], outputs, Vec::new());
    }

    fn upsampled(&mut self, inputs: Vec<String>, outputs: Vec<String>) {
        let [x, like] = two(inputs);
        let own = self.shape(&x, vec![("end", Attribute::Whole(2))]);
        let sides = self.shape(&like, vec![("start", Attribute::Whole(2))]);
        let sizes = self.helper();
        let last = ("axis", Attribute::Whole(-1));
        let parts = vec![own, sides];
        self.push(OpType::Concat, parts, vec![sizes.clone()], vec![last]);
        let attributes = vec![
            ("mode", Attribute::Text("linear")),
            (
                "coordinate_transformation_mode",
                Attribute::Text("half_pixel"),
            ),
        ];
        // Neither a region of interest nor scales.
        let inputs = vec![x, String::new(), String::new(), sizes];
        self.push(OpType::Resize, inputs, outputs, attributes);
    }

    /// The shape of a tensor, or the part of it that the attributes choose.
    fn shape(&mut self, of: &str, attributes: Vec<(&'static str, Attribute)>) -> String {
        let shape = self.helper();
        self.push(
            OpType::Shape,
            vec![of.into()],
            vec![shape.clone()],
            attributes,
        );
        shape
    }

    fn push(
        &mut self,
        operator: OpType<'static>,
        inputs: Vec<String>,
        outputs: Vec<String>,
        attributes: Vec<(&'static str, Attribute)>,
    ) {
        self.content.nodes.push(OnnxNode {
            operator,
            inputs,
            outputs,
            attributes,
        });
    }

    /// The name of a value of the graph.
    fn name(&self, value: Value) -> String {
        match self.ports.get(&value) {
            Some(name) => (*name).into(),
            None => format!("value.{}", value.number()),
        }
    }

    /// A name that stands for no value of the graph.
    fn helper(&mut self) -> String {
        self.helpers += 1;
        format!("helper.{}", self.helpers)
    }

    /// A tensor of the state, which the file then holds.
    fn tensor(&mut self, name: &str) -> Result<&'a NamedTensor, TrainError> {
        let Some((name, tensor)) = self.state.get_key_value(name) else {
            return Err(TrainError::Misfit {
                what: "the file of weights".into(),
                found: format!("no tensor `{name}`"),
                expected: "one of this name".into(),
            });
        };
        if self.written.insert(name) {
            let constant = Constant::floats(name.clone(), &tensor.shape, &tensor.values);
            self.content.constants.push(constant);
        }
        Ok(tensor)
    }

    fn floats(&mut self, shape: &[usize], values: &[f32]) -> String {
        let name = self.helper();
        let constant = Constant::floats(name.clone(), shape, values);
        self.content.constants.push(constant);
        name
    }

    fn wholes(&mut self, values: &[i64]) -> String {
        let name = self.helper();
        let constant = Constant::wholes(name.clone(), values);
        self.content.constants.push(constant);
        name
    }
}

fn with(mut names: Vec<String>, more: impl IntoIterator<Item = String>) -> Vec<String> {
    names.extend(more);
    names
}

fn two(names: Vec<String>) -> [String; 2] {
    let mut names = names.into_iter();
    std::array::from_fn(|_| names.next().unwrap_or_default())
}

fn window_attributes(
    kernel: &[usize],
    WindowOptions {
        stride,
        padding,
        dilation,
    }: WindowOptions,
) -> Vec<(&'static str, Attribute)> {
    let wholes = |values: &[usize]| Attribute::Wholes(values.iter().map(|&v| v as i64).collect());
    vec![
        ("kernel_shape", wholes(kernel)),
        ("strides", wholes(&stride)),
        ("pads", wholes(&[padding, padding].concat())),
        ("dilations", wholes(&dilation)),
    ]
}
