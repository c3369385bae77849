//! The bytes of a file.

use onnx_rs::ast::{
    Attribute as OnnxAttribute, AttributeType, DataType, Dimension, Graph as OnnxGraph, Model,
    Node, OperatorSetId, StringStringEntry, TensorProto, TensorShape, TensorShapeDimension,
    TensorTypeProto, TypeProto, TypeValue, ValueInfo,
};
use supernet::graph::{Axis, Element, Port};

use super::OnnxModel;
use super::node::{Attribute, Content, OnnxNode};

pub(super) fn encode(model: &OnnxModel, content: &Content) -> Vec<u8> {
    let constants = content.constants.iter().map(|one| {
        let shape = one.shape.clone();
        TensorProto::from_raw(&one.name, shape, one.kind, &one.bytes)
    });
    let names: Vec<String> = (0..content.nodes.len())
        .map(|index| format!("node.{index}"))
        .collect();
    let nodes = content.nodes.iter().zip(&names);
    let properties = model.properties.iter();
    onnx_rs::encode(&Model {
        ir_version: OnnxModel::FORMAT,
        opset_import: vec![OperatorSetId {
            domain: "",
            version: OnnxModel::OPSET,
        }],
        producer_name: "train",
        producer_version: env!("CARGO_PKG_VERSION"),
        doc_string: &model.about,
        graph: Some(OnnxGraph {
            name: "network",
            doc_string: &model.about,
            node: nodes.map(|(node, name)| node_of(node, name)).collect(),
            initializer: constants.collect(),
            input: model.graph.inputs.iter().map(port).collect(),
            output: model.graph.outputs.iter().map(port).collect(),
            ..OnnxGraph::default()
        }),
        metadata_props: properties
            .map(|(key, value)| StringStringEntry { key, value })
            .collect(),
        ..Model::default()
    })
}

fn node_of<'a>(node: &'a OnnxNode, name: &'a str) -> Node<'a> {
    Node {
        name,
        op_type: node.operator.clone(),
        input: node.inputs.iter().map(String::as_str).collect(),
        output: node.outputs.iter().map(String::as_str).collect(),
        attribute: node.attributes.iter().map(attribute).collect(),
        ..Node::default()
    }
}

fn attribute((name, value): &(&'static str, Attribute)) -> OnnxAttribute<'static> {
    let empty = OnnxAttribute {
        name,
        ..OnnxAttribute::default()
    };
    match value {
        Attribute::Whole(whole) => OnnxAttribute {
            r#type: AttributeType::Int,
            i: *whole,
            ..empty
        },
        Attribute::Float(float) => OnnxAttribute {
            r#type: AttributeType::Float,
            f: *float,
            ..empty
        },
        Attribute::Wholes(wholes) => OnnxAttribute {
            r#type: AttributeType::Ints,
            ints: wholes.clone(),
            ..empty
        },
        Attribute::Text(text) => OnnxAttribute {
            r#type: AttributeType::String,
            s: text.as_bytes(),
            ..empty
        },
    }
}

fn port(port: &Port) -> ValueInfo<'_> {
    let dimension = |axis: &Axis| TensorShapeDimension {
        value: match axis {
            Axis::Any(name) => Dimension::Param(name),
            Axis::Fixed(size) => Dimension::Value(*size as i64),
        },
        ..TensorShapeDimension::default()
    };
    let tensor = TensorTypeProto {
        elem_type: match port.element {
            Element::Float => DataType::Float,
            Element::Whole => DataType::Int64,
        },
        shape: Some(TensorShape {
            dim: port.axes.iter().map(dimension).collect(),
        }),
    };
    ValueInfo {
        name: port.name,
        r#type: Some(TypeProto {
            value: Some(TypeValue::Tensor(tensor)),
            ..TypeProto::default()
        }),
        ..ValueInfo::default()
    }
}
