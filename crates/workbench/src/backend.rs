//! Choosing among the backends that a binary was compiled with.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::process::Command;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use burn::tensor::{Tensor, backend::Backend};

use crate::{Result, WorkbenchError};

/// A backend by the name the command line uses. Which of them a binary contains is decided by the
/// features it was compiled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendName {
    /// NVIDIA GPUs.
    Cuda,
    /// GPUs through Vulkan and SPIR-V.
    Vulkan,
    /// GPUs through WebGPU's shading language.
    Wgpu,
    /// The CPU.
    Flex,
}

/// A backend's device that was found to work.
#[derive(Debug, Clone)]
pub struct Selected<B: Backend> {
    /// The backend's name.
    pub name: BackendName,
    /// The device.
    pub device: B::Device,
    /// Backend and device for a person.
    pub label: String,
}

impl BackendName {
    /// All backends, the most capable first.
    pub const ALL: [BackendName; 4] = [Self::Cuda, Self::Vulkan, Self::Wgpu, Self::Flex];

    /// The name on the command line, also the name of the cargo feature.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Vulkan => "vulkan",
            Self::Wgpu => "wgpu",
            Self::Flex => "flex",
        }
    }

    /// The backend asked for, or the most capable one of those compiled in.
    ///
    /// # Errors
    ///
    /// When the name is unknown, the backend is not compiled in, or none is.
    pub fn choose(requested: Option<&str>, compiled: &[Self]) -> Result<Self> {
        let Some(name) = requested else {
            return Self::ALL
                .into_iter()
                .find(|backend| compiled.contains(backend))
                .ok_or_else(|| unavailable("any", "no backend is compiled in", compiled));
        };
        let backend: Self = name.parse()?;
        if compiled.contains(&backend) {
            return Ok(backend);
        }
        Err(backend.not_compiled(compiled))
    }

    /// That the backend is not one of those compiled in.
    pub fn not_compiled(self, compiled: &[Self]) -> WorkbenchError {
        let problem = format!("it is not compiled in; build with `--features {self}`");
        unavailable(self.name(), &problem, compiled)
    }

    /// Tries the device with a small computation.
    ///
    /// # Errors
    ///
    /// When the device is missing or does not work; the message names the alternatives.
    pub fn probe<B: Backend>(self, device: B::Device, compiled: &[Self]) -> Result<Selected<B>> {
        // GPU runtimes panic where no device works.
        // They may do so on a thread of their own, so that the hook learns why and not the one who waits.
        let reason = Arc::new(Mutex::new(String::new()));
        let of_hook = Arc::clone(&reason);
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if let Ok(mut reason) = of_hook.lock()
                && reason.is_empty()
            {
                *reason = first_line(info.payload_as_str().unwrap_or_default());
            }
        }));
        let attempt = panic::catch_unwind(AssertUnwindSafe(|| {
            let sum = (Tensor::<B, 1>::ones([2], &device) * 2.0).sum();
            sum.try_into_data().map(|data| data.iter::<f32>().next())
        }));
        panic::set_hook(hook);
        let problem = match attempt {
            Ok(Ok(Some(4.0))) => {
                let label = format!("{} ({})", self.name(), B::name(&device));
                return Ok(Selected {
                    name: self,
                    device,
                    label,
                });
            }
            Ok(Ok(found)) => format!("its device computed 2 + 2 = {found:?}"),
            Ok(Err(error)) => format!("its device failed: {error}"),
            Err(_) => {
                let reason = reason.lock().map(|r| r.clone()).unwrap_or_default();
                format!("no device works for it ({reason})")
            }
        };
        Err(unavailable(self.name(), &problem, compiled))
    }
}

/// In a binary: `COMPILED`, the backends that its features `cuda`, `vulkan`, `wgpu` and `flex` compiled
/// in, the most capable first, and `dispatch(job)`, which calls `job.run::<B>(device, COMPILED, adapter)` with
/// the autodiff type of the backend that `job.backend` names. `adapter` describes the device and its driver,
/// where `job.describes_device()` and the runtime tells.
///
/// The binary depends on `burn` and `supernet` and, by its features, on `burn-wgpu` and `burn-flex`. The
/// error is made from a [`WorkbenchError`](crate::WorkbenchError).
///
/// ```ignore
/// workbench::backends!(Job, SearchError);
/// ```
#[macro_export]
macro_rules! backends {
    ($job:ty, $error:ty) => {
        /// The backends of this build.
        const COMPILED: &[$crate::backend::BackendName] = &[
            #[cfg(feature = "cuda")]
            $crate::backend::BackendName::Cuda,
            #[cfg(feature = "vulkan")]
            $crate::backend::BackendName::Vulkan,
            #[cfg(all(feature = "wgpu", not(feature = "vulkan")))]
            $crate::backend::BackendName::Wgpu,
            #[cfg(feature = "flex")]
            $crate::backend::BackendName::Flex,
        ];

        #[cfg(feature = "vulkan")]
        type Gpu = ::supernet::gpu::Vulkan;
        #[cfg(all(feature = "wgpu", not(feature = "vulkan")))]
        type Gpu = ::supernet::gpu::Wgpu;

        #[cfg(feature = "vulkan")]
        type GpuApi = ::burn_wgpu::graphics::Vulkan;
        #[cfg(all(feature = "wgpu", not(feature = "vulkan")))]
        type GpuApi = ::burn_wgpu::graphics::AutoGraphicsApi;

        /// The device that a backend uses by default, and its driver.
        fn adapter(backend: $crate::backend::BackendName) -> Option<String> {
            match backend {
                #[cfg(feature = "wgpu")]
                $crate::backend::BackendName::Wgpu | $crate::backend::BackendName::Vulkan => {
                    // It panics where there is no device, which using it will say.
                    let info = $crate::shell::caught(|| {
                        let device = ::std::default::Default::default();
                        let options = ::std::default::Default::default();
                        let setup = ::burn_wgpu::init_setup::<GpuApi>(&device, options);
                        setup.adapter.get_info()
                    })?;
                    let (name, kind) = (info.name, info.device_type);
                    Some(format!(
                        "{name} ({kind:?}), {} {}",
                        info.driver, info.driver_info
                    ))
                }
                #[cfg(feature = "cuda")]
                $crate::backend::BackendName::Cuda => $crate::backend::cuda_adapter(),
                _ => None,
            }
        }

        /// Runs a job on the backend it names.
        fn dispatch(job: $job) -> ::std::result::Result<(), $error> {
            #[cfg(any(feature = "wgpu", feature = "cuda"))]
            if job.backend != $crate::backend::BackendName::Flex {
                ::supernet::gpu::keep_compiled();
            }
            // Before anything else is done with the device.
            let adapter = match job.describes_device() {
                true => adapter(job.backend),
                false => None,
            };
            match job.backend {
                #[cfg(feature = "flex")]
                $crate::backend::BackendName::Flex => {
                    job.run::<::burn::backend::Autodiff<::burn_flex::Flex>>(
                        ::std::default::Default::default(),
                        COMPILED,
                        adapter,
                    )
                }
                #[cfg(feature = "wgpu")]
                $crate::backend::BackendName::Wgpu | $crate::backend::BackendName::Vulkan => {
                    job.run::<::burn::backend::Autodiff<Gpu>>(
                        ::std::default::Default::default(),
                        COMPILED,
                        adapter,
                    )
                }
                #[cfg(feature = "cuda")]
                $crate::backend::BackendName::Cuda => {
                    job.run::<::burn::backend::Autodiff<::supernet::gpu::Cuda>>(
                        ::std::default::Default::default(),
                        COMPILED,
                        adapter,
                    )
                }
                #[allow(unreachable_patterns)]
                other => {
                    drop(adapter);
                    Err(other.not_compiled(COMPILED).into())
                }
            }
        }
    };
}

/// The GPUs that CUDA's driver knows, as its own tool tells; none where it tells nothing.
pub fn cuda_adapter() -> Option<String> {
    let query = ["--query-gpu=name,driver_version", "--format=csv,noheader"];
    let output = Command::new("nvidia-smi").args(query).output().ok()?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let visible = std::env::var("CUDA_VISIBLE_DEVICES").unwrap_or_default();
    let first = visible.split(',').next().unwrap_or_default().trim();
    let line = told.lines().nth(first.parse().unwrap_or(0))?;
    let (name, driver) = line.split_once(',')?;
    Some(format!("{}, driver {}", name.trim(), driver.trim()))
}

/// The first line with something on it, without the names that a loader of libraries tried in vain.
fn first_line(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let line = lines.into_iter().find(|line| !line.is_empty());
    let line = line.unwrap_or("no reason given");
    let tried = line.find(" - searched for");
    line[..tried.unwrap_or(line.len())].into()
}

fn unavailable(backend: &str, problem: &str, compiled: &[BackendName]) -> WorkbenchError {
    let others: Vec<_> = compiled
        .iter()
        .map(|other| other.name())
        .filter(|name| *name != backend)
        .collect();
    let alternatives = match others.as_slice() {
        [] => "this binary has no other; build with another feature, such as `flex`".to_string(),
        others => format!("available with --backend: {}", others.join(", ")),
    };
    WorkbenchError::Backend {
        backend: backend.into(),
        problem: format!("{problem}; {alternatives}"),
    }
}

impl fmt::Display for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for BackendName {
    type Err = WorkbenchError;

    fn from_str(name: &str) -> Result<Self> {
        let valid = Self::ALL.map(Self::name);
        Self::ALL
            .into_iter()
            .find(|backend| backend.name() == name)
            .ok_or_else(|| WorkbenchError::unknown_name("backend", name, &valid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_flex::Flex;

    #[test]
    fn the_most_capable_compiled_backend_is_the_default() {
        let choose = |compiled: &[BackendName]| BackendName::choose(None, compiled).unwrap();
        assert_eq!(
            choose(&[BackendName::Flex, BackendName::Cuda]),
            BackendName::Cuda
        );
        assert_eq!(
            choose(&[BackendName::Flex, BackendName::Wgpu]),
            BackendName::Wgpu
        );
        assert_eq!(choose(&[BackendName::Flex]), BackendName::Flex);
    }

    #[test]
    fn a_reason_is_one_line_without_what_was_tried() {
        let found =
            first_line("\n no \"cuda\" library - searched for library names: [a, b].\nmore");
        assert_eq!(found, "no \"cuda\" library");
        assert_eq!(first_line("out of memory - twice"), "out of memory - twice");
        assert_eq!(first_line(""), "no reason given");
    }

    #[test]
    fn refusals_name_the_alternatives() {
        let refusal = |name| {
            BackendName::choose(Some(name), &[BackendName::Flex])
                .unwrap_err()
                .to_string()
        };
        let absent = refusal("cuda");
        assert!(
            absent.contains("--features cuda") && absent.contains("flex"),
            "{absent}"
        );
        assert!(refusal("flux").contains("did you mean `flex`"));
        assert!(BackendName::choose(None, &[]).is_err());
    }

    #[test]
    fn a_working_device_is_selected() {
        let device = Default::default();
        let selected = BackendName::Flex
            .probe::<Flex>(device, &[BackendName::Flex])
            .unwrap();
        assert!(selected.label.starts_with("flex ("));
    }

    /// A binary without any backend, as its features leave it.
    #[allow(unexpected_cfgs)]
    mod binary {
        use super::*;

        pub struct Job {
            pub backend: BackendName,
        }

        impl Job {
            fn describes_device(&self) -> bool {
                true
            }
        }

        crate::backends!(Job, WorkbenchError);

        #[test]
        fn what_is_not_compiled_in_is_refused_in_a_sentence() {
            let job = Job {
                backend: BackendName::Cuda,
            };
            let message = dispatch(job).unwrap_err().to_string();
            assert!(
                message.contains("build with `--features cuda`"),
                "{message}"
            );
        }
    }
}
