//! Pools, also those whose padding ONNX's runtimes do not take.

use onnx_rs::ast::OpType;
use supernet::kernels::{PoolWindow, WindowOptions};

use super::{Writer, window_attributes, with};

impl Writer<'_> {
    pub(super) fn max_pool(
        &mut self,
        window: PoolWindow,
        inputs: Vec<String>,
        outputs: Vec<String>,
    ) {
        let options = same(window);
        match is_within(window) {
            true => self.pool(OpType::MaxPool, window, options, inputs, outputs),
            false => {
                let padded = self.padded(options.padding, f32::NEG_INFINITY, inputs);
                self.pool(
                    OpType::MaxPool,
                    window,
                    bare(options),
                    vec![padded],
                    outputs,
                );
            }
        }
    }

    /// Padding does not count unless an attribute says so. Where it is no attribute, means of all taps are divided
    /// by the share of those that lie in the image.
    pub(super) fn avg_pool(
        &mut self,
        window: PoolWindow,
        inputs: Vec<String>,
        outputs: Vec<String>,
    ) {
        let options = same(window);
        if is_within(window) {
            return self.pool(OpType::AveragePool, window, options, inputs, outputs);
        }
        let one = self.floats(&[1; 4], &[1.0]);
        let ones = self.helper();
        let like = vec![one, inputs.first().cloned().unwrap_or_default()];
        self.expanded(like, vec![ones.clone()]);
        let [mean, share] = [inputs, vec![ones]].map(|inputs| {
            let padded = self.padded(options.padding, 0.0, inputs);
            let pooled = self.helper();
            let of = (vec![padded], vec![pooled.clone()]);
            self.pool(OpType::AveragePool, window, bare(options), of.0, of.1);
            pooled
        });
        self.push(OpType::Div, vec![mean, share], outputs, Vec::new());
    }

    fn pool(
        &mut self,
        operator: OpType<'static>,
        window: PoolWindow,
        options: WindowOptions,
        inputs: Vec<String>,
        outputs: Vec<String>,
    ) {
        let attributes = window_attributes(&[window.kernel; 2], options);
        self.push(operator, inputs, outputs, attributes);
    }

    /// An image with so many rows and columns of a value on all four sides.
    fn padded(&mut self, [rows, columns]: [usize; 2], value: f32, inputs: Vec<String>) -> String {
        let [rows, columns] = [rows as i64, columns as i64];
        let padding = self.wholes(&[0, 0, rows, columns, 0, 0, rows, columns]);
        let value = self.floats(&[], &[value]);
        let padded = self.helper();
        let inputs = with(inputs, [padding, value]);
        self.push(OpType::Pad, inputs, vec![padded.clone()], Vec::new());
        padded
    }
}

fn same(window: PoolWindow) -> WindowOptions {
    WindowOptions::same(window.kernel, window.stride, window.dilation)
}

/// Without padding.
fn bare(options: WindowOptions) -> WindowOptions {
    WindowOptions {
        padding: [0; 2],
        ..options
    }
}

/// Whether a pool's padding is less than its window: onnxruntime takes no other.
fn is_within(window: PoolWindow) -> bool {
    same(window).padding[0] < window.kernel
}
