//! One binary for all of them: each further one compiles the tensors of a backend once more.

mod checkpointing;
mod derived;
mod descent;
mod execution;
mod further;
mod kernels;
mod kernels_bilinear;
mod kernels_block;
mod kernels_combine;
mod kernels_common;
mod kernels_norm;
mod kernels_pool;
mod kernels_product;
mod kernels_reference;
mod mix;
mod networks;
mod own_space;
mod recurrent;
mod recurrent_kernels;
mod recurrent_networks;
mod segmentation;
mod support;
