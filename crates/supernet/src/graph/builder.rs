use std::collections::HashMap;

use burn::module::ParamId;

use super::{Axis, Call, Element, Function, Graph, Port, Rows, Value};
use crate::SupernetError;
use crate::kernels::WindowOptions;

/// A graph while a network describes itself.
#[derive(Debug)]
pub struct GraphBuilder {
    /// Names of the network's tensors.
    names: HashMap<ParamId, String>,
    graph: Graph,
    values: usize,
    /// What was rectified already: operations on one node share its ReLU.
    rectified: HashMap<Value, Value>,
    /// The first thing that no graph can say.
    problem: Option<SupernetError>,
}

/// A convolution by its tensors.
pub(crate) struct Convolution {
    pub(crate) weight: ParamId,
    pub(crate) bias: Option<ParamId>,
    pub(crate) window: WindowOptions,
    pub(crate) groups: usize,
}

impl GraphBuilder {
    pub(crate) fn new(names: HashMap<ParamId, String>) -> Self {
        Self {
            names,
            graph: Graph::default(),
            values: 0,
            rectified: HashMap::new(),
            problem: None,
        }
    }

    /// The graph.
    ///
    /// # Errors
    ///
    /// When the network does something in evaluation that no graph can say.
    pub fn finish(self) -> Result<Graph, SupernetError> {
        match self.problem {
            Some(problem) => Err(problem),
            None => Ok(self.graph),
        }
    }

    /// A tensor that goes in.
    pub fn input(&mut self, name: &'static str, element: Element, axes: Vec<Axis>) -> Value {
        let value = self.value();
        self.graph.inputs.push(Port {
            name,
            value,
            element,
            axes,
        });
        value
    }

    /// A tensor of numbers that comes out.
    pub fn output(&mut self, name: &'static str, value: Value, axes: Vec<Axis>) {
        self.graph.outputs.push(Port {
            name,
            value,
            element: Element::Float,
            axes,
        });
    }

    /// The value of a function of one result.
    pub fn apply(&mut self, function: Function, inputs: &[Value]) -> Value {
        let output = self.value();
        self.push(function, inputs, vec![output]);
        output
    }

    /// Vectors cut into parts of one length.
    pub(crate) fn parts<const N: usize>(&mut self, x: Value) -> [Value; N] {
        let parts = std::array::from_fn(|_| self.value());
        self.push(Function::Parts(N), &[x], parts.to_vec());
        parts
    }

    pub(crate) fn rectified(&mut self, x: Value) -> Value {
        if let Some(&rectified) = self.rectified.get(&x) {
            return rectified;
        }
        let rectified = self.apply(Function::Rectified, &[x]);
        self.rectified.insert(x, rectified);
        rectified
    }

    pub(crate) fn convolution(&mut self, x: Value, convolution: Convolution) -> Value {
        let function = Function::Convolution {
            weight: self.name(convolution.weight),
            bias: convolution.bias.map(|bias| self.name(bias)),
            window: convolution.window,
            groups: convolution.groups,
        };
        self.apply(function, &[x])
    }

    /// `affine` are scale and shift, `running` mean and variance.
    pub(crate) fn normalisation(
        &mut self,
        x: Value,
        affine: Option<[ParamId; 2]>,
        running: Option<[ParamId; 2]>,
        epsilon: f64,
    ) -> Value {
        let Some(running) = running else {
            self.refuse("a normalisation with the statistics of each batch");
            return x;
        };
        let function = Function::Normalisation {
            affine: affine.map(|ids| ids.map(|id| self.name(id))),
            running: running.map(|id| self.name(id)),
            epsilon,
        };
        self.apply(function, &[x])
    }

    pub(crate) fn linear(
        &mut self,
        x: Value,
        weight: ParamId,
        bias: Option<ParamId>,
        rows: Rows,
    ) -> Value {
        let function = Function::Linear {
            weight: self.name(weight),
            bias: bias.map(|bias| self.name(bias)),
            rows,
        };
        self.apply(function, &[x])
    }

    pub(crate) fn look_up(&mut self, table: ParamId, rows: Value) -> Value {
        let table = self.name(table);
        self.apply(Function::LookUp { table }, &[rows])
    }

    /// Every number times this one.
    pub(crate) fn scaled(&mut self, x: Value, factor: f64) -> Value {
        match factor == 1.0 {
            true => x,
            false => self.apply(Function::Scaled(factor), &[x]),
        }
    }

    /// The sum of all values, of which there is one at least.
    pub(crate) fn sum(&mut self, values: &[Value]) -> Value {
        let add = |sum, next| self.apply(Function::Sum, &[sum, next]);
        match values.iter().copied().reduce(add) {
            Some(sum) => sum,
            None => {
                self.refuse("a node that nothing leads to");
                self.value()
            }
        }
    }

    /// The channels, or units, of all values, one behind the other.
    pub(crate) fn joined(&mut self, values: &[Value]) -> Value {
        match values {
            [one] => *one,
            values => self.apply(Function::Joined, values),
        }
    }

    fn value(&mut self) -> Value {
        self.values += 1;
        Value(self.values - 1)
    }

    fn push(&mut self, function: Function, inputs: &[Value], outputs: Vec<Value>) {
        self.graph.calls.push(Call {
            function,
            inputs: inputs.to_vec(),
            outputs,
        });
    }

    fn name(&mut self, id: ParamId) -> String {
        match self.names.get(&id) {
            Some(name) => name.clone(),
            None => {
                self.refuse("a tensor without a name");
                String::new()
            }
        }
    }

    fn refuse(&mut self, found: &str) {
        let valid = "a derived network, normalised with running statistics";
        let refusal = || SupernetError::config("network", found, valid);
        self.problem.get_or_insert_with(refusal);
    }
}
