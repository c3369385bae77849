//! Flex: vectorised loops over contiguous memory.

use burn_flex::Flex;

use super::KernelBackend;

impl KernelBackend for Flex {}
