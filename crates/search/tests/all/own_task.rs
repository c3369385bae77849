//! The example of a user's own task runs: every method, and a resumption to the same end.

#[path = "../../examples/own_task.rs"]
mod example;

#[test]
fn a_task_of_ones_own_is_searched_with_every_method_and_resumed() {
    example::main().unwrap();
}
