//! The machine that a run is on: its memory and its processor.
//!
//! Both are read from the files in which Linux tells them; elsewhere memory is not known.

use std::path::Path;
use std::{fmt, fs};

use crate::{Result, WorkbenchError};

/// A number of bytes, for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIB: f64 = (1_u64 << 20) as f64;
        let mib = self.0 as f64 / MIB;
        match mib < 1000.0 {
            true => write!(f, "{mib:.0} MiB"),
            false => write!(f, "{:.1} GiB", mib / 1024.0),
        }
    }
}

/// Main memory as a process finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// What this process holds now.
    pub held: Bytes,
    /// What it can still have: of the machine, or of the group of processes that it is in, whichever has
    /// less.
    pub available: Bytes,
}

impl Memory {
    /// The memory of now; none where the system does not tell.
    pub fn now() -> Option<Self> {
        Self::read(Path::new("/"))
    }

    /// The memory that the files below `root` tell.
    fn read(root: &Path) -> Option<Self> {
        let text = |path: &str| fs::read_to_string(root.join(path)).ok();
        let of_machine = field_in_kib(&text("proc/meminfo")?, "MemAvailable:")?;
        // Pages of files that a group holds are given back when they are needed.
        let number = |path: &str| text(path)?.trim().parse::<u64>().ok();
        let statistic = |path: &str, name: &str| first_number(&text(path)?, name);
        let group = "sys/fs/cgroup";
        let version_2 = || {
            let limit = number(&format!("{group}/memory.max"))?;
            Some((limit, statistic(&format!("{group}/memory.stat"), "anon ")?))
        };
        let version_1 = || {
            let group = format!("{group}/memory");
            let limit = number(&format!("{group}/memory.limit_in_bytes"))?;
            Some((
                limit,
                statistic(&format!("{group}/memory.stat"), "total_rss ")?,
            ))
        };
        let of_group = version_2().or_else(version_1);
        let of_group = of_group.map(|(limit, held)| limit.saturating_sub(held));
        Some(Self {
            held: Bytes(field_in_kib(&text("proc/self/status")?, "VmRSS:")?),
            available: Bytes(of_group.map_or(of_machine, |group| group.min(of_machine))),
        })
    }

    /// Checks that a step fits.
    ///
    /// # Errors
    ///
    /// [`WorkbenchError::Memory`] where it does not; `advice` says what would, given whether a step of so
    /// many bytes fits.
    pub fn check(
        &self,
        step: u64,
        advice: impl FnOnce(&dyn Fn(u64) -> bool) -> String,
    ) -> Result<()> {
        let fits = |step: u64| step <= self.available.0;
        if fits(step) {
            return Ok(());
        }
        Err(WorkbenchError::Memory {
            needed: Bytes(step),
            available: self.available,
            advice: advice(&fits),
        })
    }
}

/// What this process holds of main memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resident {
    /// Now.
    pub now: Bytes,
    /// At most since it began.
    pub peak: Bytes,
}

impl Resident {
    /// That of now; none where the system does not tell.
    pub fn now() -> Option<Self> {
        Self::read(&fs::read_to_string("/proc/self/status").ok()?)
    }

    fn read(status: &str) -> Option<Self> {
        Some(Self {
            now: Bytes(field_in_kib(status, "VmRSS:")?),
            peak: Bytes(field_in_kib(status, "VmHWM:")?),
        })
    }
}

/// The largest of `number`, its half, its quarter and so on down to `least` that holds.
pub fn halved_until(number: usize, least: usize, holds: impl Fn(usize) -> bool) -> Option<usize> {
    let halves = std::iter::successors(Some(number / 2), |number| Some(number / 2));
    let mut halves = halves.take_while(|&number| number >= least.max(1));
    halves.find(|&number| holds(number))
}

/// The number that follows a name at the beginning of a line.
fn first_number(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The same of a number that is given in KiB, in bytes.
fn field_in_kib(text: &str, name: &str) -> Option<u64> {
    first_number(text, name)?.checked_mul(1024)
}

/// Main memory of the machine; none where the system does not tell.
fn installed() -> Option<Bytes> {
    field_in_kib(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:").map(Bytes)
}

/// Most memory that this process ever held; none where the system does not tell.
pub fn peak() -> Option<Bytes> {
    Resident::now().map(|resident| resident.peak)
}

/// What computes, by name and version: the project, and the framework that it is pinned to.
pub fn versions() -> Vec<(String, String)> {
    let versions = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("Burn", BURN),
        ("CubeCL", CUBECL),
    ];
    let versions = versions.map(|(name, version)| (name.into(), version.into()));
    versions.into()
}

/// Versions that the workspace pins.
const BURN: &str = "0.21.0";
const CUBECL: &str = "0.10.0";

/// The processor by its maker's name, where the system tells it, with the widest vectors that it has: sums
/// are rounded in another order on another one.
pub fn processor() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut lines = cpus.lines().filter_map(|line| line.split_once(':'));
    let model = lines.find(|(name, _)| name.trim() == "model name");
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model.trim());
    format!("{model}, {}", vectors())
}

/// What a run is on, by name: `backend` and what the system tells.
pub fn hardware(backend: &str) -> Vec<(String, String)> {
    let threads = std::thread::available_parallelism();
    let threads = threads.map(|count| ("threads", count.to_string())).ok();
    // What is available changes from one moment to the next, and with it the record of a run.
    let memory = installed().map(|memory| ("memory", memory.to_string()));
    let system = format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH);
    let facts = [("backend", backend.into()), ("processor", processor())];
    let facts = facts
        .into_iter()
        .chain(threads)
        .chain(memory)
        .chain([("system", system)]);
    facts.map(|(name, value)| (name.into(), value)).collect()
}

/// The same with the device that a backend computes on and its driver, where they are known.
pub fn hardware_on(backend: &str, adapter: Option<&str>) -> Vec<(String, String)> {
    let mut facts = hardware(backend);
    let adapter = adapter.map(|adapter| ("adapter".into(), adapter.into()));
    facts.splice(1..1, adapter);
    facts
}

/// The vector instructions that the CPU's kernels choose among, and their width.
#[cfg(target_arch = "x86_64")]
fn vectors() -> &'static str {
    use std::arch::is_x86_feature_detected;
    let fused = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    match fused {
        true if is_x86_feature_detected!("avx512f") => "AVX-512 (512 bits)",
        true => "AVX2 (256 bits)",
        false => "SSE2 (128 bits)",
    }
}

#[cfg(target_arch = "aarch64")]
fn vectors() -> &'static str {
    "NEON (128 bits)"
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn vectors() -> &'static str {
    "vectors unknown"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_in_the_unit_that_fits() {
        let shown = |mib: u64| Bytes(mib << 20).to_string();
        assert_eq!(
            [shown(64), shown(999), shown(1536)],
            ["64 MiB", "999 MiB", "1.5 GiB"]
        );
    }

    #[test]
    fn a_step_that_does_not_fit_is_refused_with_advice() {
        let memory = Memory {
            held: Bytes(10 << 20),
            available: Bytes(2 << 30),
        };
        let advice = |fits: &dyn Fn(u64) -> bool| {
            let batch = halved_until(64, 2, |batch| fits((batch as u64) << 28));
            format!("a batch of {}", batch.unwrap())
        };
        memory.check(2 << 30, advice).unwrap();
        let message = memory.check(16 << 30, advice).unwrap_err().to_string();
        for part in ["16.0 GiB", "2.0 GiB", "a batch of 8", "--no-memory-check"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn halves_end_at_the_least() {
        assert_eq!(halved_until(96, 2, |n| n <= 20), Some(12));
        assert_eq!(halved_until(96, 2, |n| n <= 2), None);
        assert_eq!(halved_until(1, 1, |_| true), None);
    }

    #[test]
    fn a_group_of_processes_has_what_its_limit_leaves() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let read = || Memory::read(root.path()).map(|m| (m.held.0 >> 20, m.available.0 >> 20));
        assert_eq!(read(), None);
        write(
            "proc/meminfo",
            "MemTotal: 16777216 kB\nMemAvailable:    8388608 kB\n",
        );
        write(
            "proc/self/status",
            "Name:\tx\nVmHWM:\t 4096 kB\nVmRSS:\t    2048 kB\n",
        );
        assert_eq!(read(), Some((2, 8192)));
        let status = fs::read_to_string(root.path().join("proc/self/status")).unwrap();
        let resident = Resident::read(&status).unwrap();
        assert_eq!((resident.now.0 >> 20, resident.peak.0 >> 20), (2, 4));
        let limit = (3_u64 << 30).to_string();
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", &limit);
        write(
            "sys/fs/cgroup/memory/memory.stat",
            "cache 9\ntotal_rss 1073741824\n",
        );
        assert_eq!(read(), Some((2, 2048)));
        // A group without a limit.
        write(
            "sys/fs/cgroup/memory/memory.limit_in_bytes",
            "9223372036854771712",
        );
        assert_eq!(read(), Some((2, 8192)));
        write("sys/fs/cgroup/memory.max", "max\n");
        write("sys/fs/cgroup/memory.stat", "anon 1073741824\nfile 99\n");
        assert_eq!(read(), Some((2, 8192)));
        write("sys/fs/cgroup/memory.max", &limit);
        assert_eq!(read(), Some((2, 2048)));
    }

    #[test]
    fn versions_are_those_of_the_lock_file() {
        let lock = include_str!("../../../Cargo.lock");
        for (name, version) in [("burn", BURN), ("cubecl", CUBECL)] {
            let entry = format!("name = \"{name}\"\nversion = \"{version}\"");
            assert!(lock.contains(&entry), "{entry}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_memory_and_a_processor() {
        let memory = Memory::now().unwrap();
        assert!(memory.held > Bytes(1 << 20) && memory.available > Bytes(1 << 20));
        assert!(installed().unwrap() >= memory.available);
        assert!(peak().unwrap() >= memory.held);
        assert!(processor().contains(", "), "{}", processor());
    }
}
