//! Removes a throwaway server when this program cannot: after Ctrl-C, or when the program is killed.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The script waits until its standard input ends. That happens whenever and however this program ends.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
cat >/dev/null
"$1" stop -s -m immediate -D "$2/data" 2>/dev/null
rm -rf "$2"
"#;

/// A shell that outlives this program for a moment. If no shell can be started, a killed program leaves its server
/// behind.
#[derive(Debug)]
pub struct Watchdog(Option<Child>);

impl Watchdog {
    /// Starts `shell`. It has to be `sh`, run as a user who may stop the server in the directory and remove the
    /// directory.
    pub fn start(mut shell: Command, pg_ctl: &Path, directory: &Path) -> Self {
        shell.args(["-c", SCRIPT, "sh"]);
        shell.args([pg_ctl, directory]);
        shell.current_dir("/");
        shell.stdin(Stdio::piped());
        shell.stdout(Stdio::null());
        shell.stderr(Stdio::null());
        // Ctrl-C would reach every process of our own group.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
        Self(shell.spawn().ok())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Some(shell) = &mut self.0 {
            drop(shell.stdin.take());
            let _ = shell.wait();
        }
    }
}
