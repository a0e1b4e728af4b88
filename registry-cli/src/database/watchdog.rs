//! Who cleans up behind a throwaway server when this program cannot: after Ctrl-C, or when it is killed.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Waits until its standard input ends, which it does with us, however we end.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
cat >/dev/null
"$1" stop -s -m immediate -D "$2/data" 2>/dev/null
rm -rf "$2"
"#;

/// A shell that outlives us for a moment. Where there is none, a killed program leaves its server behind.
#[derive(Debug)]
pub struct Watchdog(Option<Child>);

impl Watchdog {
    /// Will stop the server in a directory, and remove the directory. `shell` is `sh`, as who may do so.
    pub fn start(mut shell: Command, pg_ctl: &Path, directory: &Path) -> Self {
        shell.args(["-c", SCRIPT, "sh"]);
        shell.args([pg_ctl, directory]);
        shell.current_dir("/");
        shell.stdin(Stdio::piped());
        shell.stdout(Stdio::null());
        shell.stderr(Stdio::null());
        // Ctrl-C is for everything in our group.
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
