//! A run folder belongs to one process, and in it to one session.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use super::*;

#[test]
fn a_folder_in_use_is_refused_by_a_second_session_of_the_process() {
    let place = Place::new();
    let session = place.start(doubling()).unwrap();
    let message = place.resume(doubling()).err().unwrap().to_string();
    let holder = format!("is in use by process {}, since 2", std::process::id());
    assert!(message.contains(&holder), "{message}");
    let folder = || Ok(place.folder());
    assert!(Session::start(doubling(), folder, "flex").is_err());
    drop(session);
    place.resume(doubling()).unwrap();
}

/// Names the folder that the other process of the next test is to hold.
const HELD: &str = "WORKBENCH_TEST_HELD_FOLDER";

#[test]
#[ignore = "is the other process of the next test"]
fn holds_a_folder_until_its_input_ends() {
    let Some(path) = std::env::var_os(HELD) else {
        return;
    };
    let folder = || RunFolder::create_at(path);
    let _session = Session::start(doubling(), folder, "flex").unwrap();
    println!("held");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn a_folder_in_use_by_another_process_is_refused_until_that_is_killed() {
    let place = Place::new();
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--nocapture", "--exact"])
        .arg("session::tests::locking::holds_a_folder_until_its_input_ends")
        .env(HELD, &place.path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    let held = lines
        .map_while(std::io::Result::ok)
        .any(|line| line.contains("held"));
    assert!(held, "the other process ended early");
    let message = place.resume(doubling()).err().unwrap().to_string();
    let expected = format!("is in use by process {}, since ", holder.id());
    assert!(message.contains(&expected), "{message}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    let (session, notes) = place.resume(doubling()).unwrap();
    assert!(notes[0].contains("starts anew"), "{notes:?}");
    assert_eq!(run(session).unwrap().number, 16.0);
}
