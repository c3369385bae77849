//! What a network computes in evaluation, as data: for formats that other programs run.
//!
//! A network describes itself: every layer has a `describe` beside its `forward`, which names its tensors
//! and asks for none of their values. Tensors have the names of a
//! [`StateDict`](crate::StateDict), so a [`Graph`] and a state are the whole network.

mod builder;
mod function;

pub(crate) use builder::Convolution;
pub use builder::GraphBuilder;
pub use function::{Function, Rows};

/// A tensor that flows through a graph, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(usize);

impl Value {
    /// Its number, which no other tensor of the graph has.
    pub fn number(self) -> usize {
        self.0
    }
}

/// A function that a graph calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What it computes.
    pub function: Function,
    /// Of what.
    pub inputs: Vec<Value>,
    /// What comes of it.
    pub outputs: Vec<Value>,
}

/// What a tensor that goes into a graph or comes out of it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// Numbers of 32 bits.
    Float,
    /// Whole numbers of 64 bits, such as those of words.
    Whole,
}

/// The length of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Any, the same for all axes of this name.
    Any(&'static str),
    /// This one.
    Fixed(usize),
}

/// A tensor that goes into a graph or comes out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: &'static str,
    /// The tensor.
    pub value: Value,
    /// What it holds.
    pub element: Element,
    /// Its shape.
    pub axes: Vec<Axis>,
}

/// What a network computes, in the order in which it can be computed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    /// What goes in.
    pub inputs: Vec<Port>,
    /// The calls.
    pub calls: Vec<Call>,
    /// What comes out.
    pub outputs: Vec<Port>,
}
