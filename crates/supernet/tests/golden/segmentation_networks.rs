//! The atrous spatial pyramid with its head, and operations whose stride was taken away.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, s};
use burn_flex::FlexDevice;
use serde_json::Value;
use supernet::segmentation::{
    AtrousPyramid, PyramidConfig, SegmentationConfig, SegmentationHead, SegmentationSize,
};
use supernet::{
    Operation, OperationConfig, OperationForm, OperationModule, Spacing, Statistics, Stride,
    WeightInit, count_weights,
};

use crate::values::*;

fn cases(section: &str) -> Vec<Value> {
    list(&read("SEGMENTATION_GOLDEN", "segmentation.json")[section]).to_vec()
}

/// Gives every tensor the value that `value` has for its path.
struct Recorded<F> {
    path: Vec<String>,
    value: F,
}

impl<F: Fn(&str) -> Option<Value>> ModuleMapper<Train> for Recorded<F> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn map_float<const D: usize>(
        &mut self,
        param: Param<Tensor<Train, D>>,
    ) -> Param<Tensor<Train, D>> {
        let Some(value) = (self.value)(&self.path.join(".")) else {
            return param;
        };
        let (id, old, mapper) = param.consume();
        let new = tensor(&value).set_require_grad(old.is_require_grad());
        assert_eq!(new.dims(), old.dims(), "{:?}", self.path);
        Param::from_mapped_value(id, new, mapper)
    }
}

fn recorded<M: Module<Train>>(module: M, value: impl Fn(&str) -> Option<Value>) -> M {
    let path = Vec::new();
    module.map(&mut Recorded { path, value })
}

/// What a tensor of pyramid or head is called in the file.
fn pyramid_name(path: &str) -> String {
    let path = path.strip_prefix("pyramid.").unwrap_or(path);
    let parts: Vec<&str> = path.split('.').collect();
    let place = match parts[..] {
        ["branches", _, "Pooled", ..] => "pool".to_string(),
        ["branches", index, ..] => format!("branch{index}"),
        ["conv", ..] => "head".to_string(),
        [first, ..] => first.to_string(),
        [] => String::new(),
    };
    let leaf = match parts.last() {
        Some(&"running_variance") => "running_var",
        Some(leaf) => leaf,
        None => "",
    };
    format!("{place}.{leaf}")
}

/// Of the case, whatever part of it the tensor is in.
fn pyramid_value(case: &Value, path: &str) -> Option<Value> {
    let name = pyramid_name(path);
    let parts = ["parameters", "running", "running_before"];
    let found = parts.iter().find_map(|part| case[*part].get(&name));
    assert!(found.is_some(), "no {name} ({path})");
    found.cloned()
}

enum Network {
    Pyramid(Box<AtrousPyramid<Train>>),
    Head(Box<SegmentationHead<Train>>),
}

fn built(case: &Value) -> Network {
    let (inputs, channels) = (size(case, "channels_in"), size(case, "channels"));
    let rates: Vec<usize> = numbers(&case["rates"])
        .iter()
        .map(|&r| r as usize)
        .collect();
    let (init, device) = (&mut WeightInit::new(0), &FlexDevice);
    let value = |path: &str| pyramid_value(case, path);
    if case["classes"].is_null() {
        let pyramid = AtrousPyramid::new([inputs, channels], &rates, init, device);
        return Network::Pyramid(recorded(pyramid, value).into());
    }
    let config = head_config(channels, Some(rates), size(case, "classes"));
    let head = SegmentationHead::new(inputs, &config, init, device);
    Network::Head(recorded(head, value).into())
}

fn head_config(channels: usize, rates: Option<Vec<usize>>, classes: usize) -> SegmentationConfig {
    SegmentationConfig {
        image_channels: 3,
        classes,
        size: SegmentationSize {
            channels: 16,
            cells: 3,
            stem_stride: 8,
            output_stride: 16,
            pyramid: PyramidConfig {
                channels,
                rates,
                dropout: 0.5,
            },
        },
    }
}

#[test]
fn pyramids_give_the_recorded_maps_gradients_and_statistics() {
    let _alone = alone();
    for case in cases("aspp") {
        let name = case["name"].as_str().unwrap();
        let measured = |key: &str| case["f32_relative_error"][key].as_f64();
        let statistics = match case["mode"].as_str() {
            Some("train") => Statistics::TRAIN,
            _ => Statistics::Running,
        };
        let x = tensor::<4>(&case["input"]).require_grad();
        let network = built(&case);
        let output = match &network {
            Network::Pyramid(pyramid) => {
                let branches = pyramid.branches(x.clone(), statistics.without_update());
                for (index, branch) in branches.into_iter().enumerate() {
                    let what = format!("{name}: branch {index}");
                    let expected = numbers(&case["branches"][index]);
                    close(&of(branch), &expected, None, &what);
                }
                pyramid.forward(x.clone(), statistics)
            }
            Network::Head(head) => head.forward(x.clone(), statistics, None),
        };
        let expected = numbers(&case["output"]);
        close(&of(output.clone()), &expected, measured("output"), name);

        let loss = (output * tensor(&case["upstream"])).sum();
        let grads = loss.backward();
        let found = match &network {
            Network::Pyramid(pyramid) => gradients(&**pyramid, &grads),
            Network::Head(head) => gradients(&**head, &grads),
        };
        let expected = case["grad"].as_object().unwrap();
        // All but the input's.
        assert_eq!(found.len(), expected.len() - 1, "{name}");
        for (path, gradient) in &found {
            let key = pyramid_name(path);
            let error = measured(&format!("grad_{key}"));
            let what = format!("{name}: gradient of {key}");
            close(gradient, &numbers(&expected[&key]), error, &what);
        }
        let gradient = Tensor::<Train, 4>::from_inner(x.grad(&grads).unwrap());
        let what = format!("{name}: gradient of the input");
        let error = measured("grad_input");
        close(&of(gradient), &numbers(&expected["input"]), error, &what);

        if let Some(after) = case["running_after"].as_object() {
            let (values, what) = match network {
                Network::Pyramid(pyramid) => (running(*pyramid), name),
                Network::Head(head) => (running(*head), name),
            };
            assert_eq!(values.len(), after.len());
            for (key, value) in values {
                close(
                    &value,
                    &numbers(&after[&key]),
                    None,
                    &format!("{what}: {key}"),
                );
            }
        }
    }
}

/// Running statistics, by the names of the file.
fn running<M: Module<Train>>(module: M) -> Vec<(String, Vec<f32>)> {
    #[derive(Default)]
    struct Collect {
        path: Vec<String>,
        found: Vec<(String, Vec<f32>)>,
    }
    impl burn::module::ModuleVisitor<Train> for Collect {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.into());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Train, D>>) {
            let name = pyramid_name(&self.path.join("."));
            if name.contains("running_") {
                self.found.push((name, of(param.val())));
            }
        }
    }
    let mut collect = Collect::default();
    module.visit(&mut collect);
    collect.found
}

#[test]
fn heads_have_the_published_number_of_weights() {
    for case in cases("aspp_parameter_counts") {
        let config = head_config(size(&case, "channels"), None, size(&case, "classes"));
        assert_eq!(config.size.rates().len(), size(&case, "rates"));
        let init = &mut WeightInit::new(0);
        let inputs = size(&case, "channels_in");
        let head = SegmentationHead::<Train>::new(inputs, &config, init, &FlexDevice);
        assert_eq!(count_weights(&head), size(&case, "parameters"));
    }
}

/// The operation with the recorded weights, whose normalisation changes nothing in evaluation.
fn operation(case: &Value, channels: usize, spacing: Spacing) -> OperationModule<Train> {
    let op: Operation = case["op"].as_str().unwrap().parse().unwrap();
    let config = OperationConfig {
        channels,
        spacing,
        form: OperationForm::Retrained,
    };
    let module = OperationModule::new(op, config, &mut WeightInit::new(0), &FlexDevice);
    recorded(module.unwrap(), |path| {
        if path.ends_with("running_variance") {
            return Some(Value::from(vec![1.0 - 1e-5; channels]));
        }
        let weights = &case["weights"];
        let name = match path.split('.').skip(1).collect::<Vec<_>>()[..] {
            ["stages", "0", "depthwise", "weight"] => "dw1",
            ["stages", "0", "pointwise", "weight"] => "pw1",
            ["stages", "1", "depthwise", "weight"] => "dw2",
            ["stages", "1", "pointwise", "weight"] => "pw2",
            ["reduce", "even", "weight"] => "conv_1",
            ["reduce", "odd", "weight"] => "conv_2",
            _ => return None,
        };
        Some(weights[name].clone())
    })
}

#[test]
fn operations_without_their_stride_give_the_recorded_maps() {
    for case in cases("dilated_stage") {
        let channels = size(&case, "channels");
        let x = tensor::<4>(&case["input"]);
        for recorded in list(&case["operations"]) {
            let what = format!("{} of {}", recorded["op"], case["name"]);
            let output = |stride, dilation| {
                let spacing = Spacing { stride, dilation };
                let module = operation(recorded, channels, spacing);
                module.apply(x.clone(), Statistics::Running)
            };
            let strided = output(Stride::Two, 1);
            let expected = numbers(&recorded["strided_output"]);
            close(&of(strided.clone()), &expected, None, &what);
            let dilated = output(Stride::Dilated, 1);
            let expected = numbers(&recorded["dilated_output"]);
            close(
                &of(dilated.clone()),
                &expected,
                None,
                &format!("dilated {what}"),
            );
            let every_second = dilated.slice(s![.., .., ..;2, ..;2]);
            let what = format!("every second pixel of dilated {what}");
            close(&of(every_second), &of(strided), None, &what);
            if !recorded["output_at_dilation_4"].is_null() {
                let expected = numbers(&recorded["output_at_dilation_4"]);
                close(&of(output(Stride::One, 2)), &expected, None, &what);
            }
        }
    }
}
