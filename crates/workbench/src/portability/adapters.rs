//! Devices of a backend, and how a process is given one of them.

use std::env;

use burn::tensor::backend::Backend;

use crate::backend::BackendName;

/// What CubeCL's WGPU runtime calls its kinds of adapters, in the order of their numbers.
const WGPU_KINDS: [&str; 4] = ["DiscreteGpu", "IntegratedGpu", "VirtualGpu", "Cpu"];
/// The variable that chooses one of them where no device is named.
const WGPU_DEFAULT: &str = "CUBECL_WGPU_DEFAULT_DEVICE";
const CUDA_VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

/// The devices of a backend, by names; empty for the CPU.
pub fn adapters<B: Backend>(backend: BackendName) -> Vec<String> {
    match backend {
        BackendName::Flex => Vec::new(),
        BackendName::Cuda => (0..B::device_count(0))
            .map(|index| index.to_string())
            .collect(),
        BackendName::Vulkan | BackendName::Wgpu => {
            let kinds = WGPU_KINDS.iter().zip(0..);
            let of_kind = |(kind, number): (&&str, u16)| {
                let count = B::device_count(number);
                let name = match *kind {
                    // However many there are, it names the first.
                    "Cpu" => return vec![kind.to_string(); count.min(1)],
                    name => name,
                };
                (0..count).map(|index| format!("{name}({index})")).collect()
            };
            kinds.flat_map(of_kind).collect()
        }
    }
}

/// The environment variable that makes a device the one that a process of a backend uses.
pub(super) fn chooses(backend: BackendName, adapter: &str) -> Option<(&'static str, String)> {
    match backend {
        BackendName::Flex => None,
        BackendName::Cuda => {
            // Numbers count those that this process may see.
            let visible = env::var(CUDA_VISIBLE).unwrap_or_default();
            let index: usize = adapter.parse().ok()?;
            let named = visible.split(',').nth(index).map(str::trim);
            let named = named.filter(|name| !name.is_empty());
            Some((CUDA_VISIBLE, named.unwrap_or(adapter).to_string()))
        }
        BackendName::Vulkan | BackendName::Wgpu => Some((WGPU_DEFAULT, adapter.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_chosen_by_the_variable_of_its_runtime() {
        let wgpu = chooses(BackendName::Vulkan, "IntegratedGpu(0)").unwrap();
        assert_eq!(wgpu, (WGPU_DEFAULT, "IntegratedGpu(0)".into()));
        assert_eq!(chooses(BackendName::Cuda, "1").unwrap().0, CUDA_VISIBLE);
        assert_eq!(chooses(BackendName::Flex, "Cpu"), None);
    }
}
