//! Networks as ONNX files: what is in them, and what the command says. That onnxruntime computes what the
//! networks do is for `tests/onnx/check.py`, which has the files of these networks written.

mod commands;
mod files;
mod networks;
