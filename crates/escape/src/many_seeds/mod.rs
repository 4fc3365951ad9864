//! Stochastic gradient descent of a small perceptron from many seeds.
//!
//! An ensemble takes millions of steps, each of a few microseconds of arithmetic: tensors, a tape and a gradient in
//! memory would cost more than the numbers. A [`Perceptron`] holds what all trials share, the starting weights w* and
//! the data; a [`Seed`] is the place where one trial after the other runs, its weights, its velocity and its buffers.
//! Nothing is allocated from step to step.
//!
//! Weights are stored `[in, out]`, the bias as one more row, whose input is 1. A step is then three kinds of the same
//! [`product`](Product): outputs `X W`, the gradient with respect to inputs `W δᵀ`, and the update `W + Xᵀ δ`, in which
//! δ carries −η/B from the loss on, so that the gradient of a weight is never written. With momentum the last one adds
//! to the velocity.

mod activation;
mod aligned;
mod lanes;
mod perceptron;
mod product;
mod seed;
mod start;
#[cfg(test)]
mod tests;
mod transpose;
mod workspace;

pub use perceptron::Perceptron;
use product::Product;
pub use seed::Seed;
pub use start::ManySeeds;
