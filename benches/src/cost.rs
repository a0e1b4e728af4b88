//! What a process took: user CPU time including its children, wall-clock time, and peak memory.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub user: Duration,
    pub wall: Duration,
    pub peak_kib: i64,
}

/// Runs a command that has to succeed. The system reports only the sum over all children of a process, so each
/// command is the only child of another run of this program.
pub fn of(command: &Command) -> Cost {
    let mut own = Command::new(own_program());
    own.arg("cost")
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => own.env(name, value),
            None => own.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        own.current_dir(directory);
    }
    let output = own.stderr(Stdio::inherit()).output().expect("this program runs");
    assert!(output.status.success(), "{command:?}");
    let text = String::from_utf8(output.stdout).expect("numbers");
    let numbers: Vec<u64> = text
        .split_whitespace()
        .map(|number| number.parse().expect("a number"))
        .collect();
    Cost {
        user: Duration::from_micros(numbers[0]),
        wall: Duration::from_micros(numbers[1]),
        peak_kib: i64::try_from(numbers[2]).expect("memory has a limit"),
    }
}

/// The path is read at the start, because a build during the measurements replaces the file.
pub fn own_program() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| env::current_exe().expect("a program knows where it is"))
}

/// The part of [`of`] that runs in the other process: runs the command and prints its cost.
pub fn print(command: &[OsString]) {
    let start = Instant::now();
    let mut child = Command::new(&command[0]);
    child
        .args(&command[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let status = child.status().expect("the command runs");
    let wall = start.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system counts");
    let user_time = usage.user_time();
    let user = user_time.tv_sec() * 1_000_000 + user_time.tv_usec();
    println!("{user} {} {}", wall.as_micros(), usage.max_rss());
    assert!(status.success(), "{command:?}");
}
