//! Changes to files: either all are written or none, each in one step.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use table_registry_engine::{Root, display};
use tempfile::NamedTempFile;

use crate::failure::Failure;
use crate::report;
use crate::workspace::Workspace;

/// The prefix of temporary files, which lie beside the files that they replace.
const TEMPORARY: &str = ".table-registry-";

/// Keeps other runs of this program from changing files between our read and our write, and removes the temporary
/// files that a killed run left behind.
#[derive(Debug)]
pub struct ExclusiveRun {
    /// The locked file, which holds the paths of our temporary files, one per line.
    journal: Option<File>,
}

impl ExclusiveRun {
    /// Waits until no other run changes files of this workspace. The lock is on a file in cargo's target directory,
    /// which is not under version control. If that file cannot be created, nothing is locked; nothing could be built
    /// there either.
    pub fn of(workspace: &Workspace) -> Self {
        Self::locked(&workspace.target)
    }

    fn locked(target: &Path) -> Self {
        let open = || {
            fs::create_dir_all(target)?;
            let mut options = OpenOptions::new();
            options.read(true).append(true).create(true);
            let journal = options.open(target.join(".table-registry-lock"))?;
            journal.lock()?;
            Ok::<File, io::Error>(journal)
        };
        let run = Self { journal: open().ok() };
        // If the journal cannot be read, the files stay, where they are in nobody's way.
        let _ = run.remove_leftovers();
        run
    }

    fn remove_leftovers(&self) -> io::Result<()> {
        let Some(mut journal) = self.journal.as_ref() else {
            return Ok(());
        };
        let mut paths = String::new();
        journal.read_to_string(&mut paths)?;
        for path in paths.lines().map(Path::new).filter(|path| is_temporary(path)) {
            // One that cannot be removed must not keep the others.
            let _ = fs::remove_file(path);
        }
        journal.set_len(0)
    }

    /// Records the path of a temporary file before the file is created.
    fn note(&self, path: &Path) {
        if let (Some(mut journal), Ok(path)) = (self.journal.as_ref(), std::path::absolute(path)) {
            // At worst, a killed run leaves the file behind.
            let _ = writeln!(journal, "{}", path.display());
        }
    }
}

fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    let is_file = fs::symlink_metadata(path).is_ok_and(|data| data.is_file());
    is_file && name.is_some_and(|name| name.starts_with(TEMPORARY))
}

/// Collects the changes to files, to be written together.
#[derive(Debug)]
pub struct Changes {
    root: Root,
    files: Vec<Change>,
}

#[derive(Debug)]
struct Change {
    path: PathBuf,
    /// The current text; `None` for a new file.
    before: Option<String>,
    after: String,
}

/// A change whose text is already on disk, beside its file.
struct Staged {
    change: Change,
    target: PathBuf,
    file: NamedTempFile,
}

impl Changes {
    /// No changes yet. Paths are relative to the root.
    pub fn new(root: &Root) -> Self {
        Self {
            root: root.clone(),
            files: Vec::new(),
        }
    }

    /// Adds a new file. Writing fails if the file exists by then.
    pub fn create(&mut self, path: impl Into<PathBuf>, text: impl Into<String>) {
        self.files.push(Change {
            path: path.into(),
            before: None,
            after: text.into(),
        });
    }

    /// Adds a new text for a file that was read before.
    pub fn update(&mut self, path: impl Into<PathBuf>, before: &str, after: impl AsRef<str>) {
        if before != after.as_ref() {
            self.files.push(Change {
                path: path.into(),
                before: Some(before.to_string()),
                after: after.as_ref().to_string(),
            });
        }
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The changes of files, as lines of a unified diff.
    pub fn diff(&self) -> String {
        self.files.iter().map(Change::diff).collect()
    }

    /// Writes and reports all changes. If one cannot be written, all files stay as they were.
    pub fn commit(self, run: &ExclusiveRun) -> Result<(), Failure> {
        let missing = self.missing_directories();
        let root = self.root.clone();
        self.write(run).inspect_err(|_| {
            for directory in missing.iter().rev() {
                // This fails, as it should, for a directory that was not created or is not empty.
                let _ = fs::remove_dir(root.resolve(directory));
            }
        })
    }

    /// The directories to create, outer ones first.
    fn missing_directories(&self) -> Vec<PathBuf> {
        let ancestors = self
            .files
            .iter()
            .flat_map(|change| change.path.ancestors().skip(1));
        let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !self.root.has(path);
        let sorted: BTreeSet<&Path> = ancestors.filter(is_missing).collect();
        sorted.into_iter().map(Path::to_path_buf).collect()
    }

    fn write(self, run: &ExclusiveRun) -> Result<(), Failure> {
        let staged: Vec<Staged> = self
            .files
            .into_iter()
            .map(|change| change.stage(&self.root, run))
            .collect::<Result<_, _>>()?;
        let mut done: Vec<(Change, PathBuf)> = Vec::new();
        for Staged { change, target, file } in staged {
            let persisted = if change.before.is_some() {
                file.persist(&target)
            } else {
                file.persist_noclobber(&target)
            };
            match persisted {
                Ok(_) => done.push((change, target)),
                Err(error) => {
                    let failure = Failure::io("written", &change.path, &error.error);
                    return Err(undo(done).into_iter().fold(failure, Failure::note));
                }
            }
        }
        for (change, _) in done {
            let verb = if change.before.is_some() {
                "Updated"
            } else {
                "Created"
            };
            report::status(verb, display(&change.path));
        }
        Ok(())
    }
}

/// Restores the files that were written before a write failed. Returns a note for each that could not be restored.
fn undo(done: Vec<(Change, PathBuf)>) -> Vec<String> {
    let undone = done.into_iter().rev().map(|(change, target)| {
        let result = match &change.before {
            Some(before) => fs::write(&target, before),
            None => fs::remove_file(&target),
        };
        result.map_err(|error| {
            format!(
                "`{}` was changed and could not be restored: {error}",
                display(&change.path)
            )
        })
    });
    undone.filter_map(Result::err).collect()
}

impl Change {
    fn stage(self, root: &Root, run: &ExclusiveRun) -> Result<Staged, Failure> {
        let unwritable = |error: io::Error| Failure::io("written", &self.path, &error);
        let target = self.target(root)?;
        let parent = target.parent().filter(|parent| *parent != Path::new(""));
        let directory = parent.unwrap_or(Path::new("."));
        fs::create_dir_all(directory).map_err(unwritable)?;
        let mut builder = tempfile::Builder::new();
        let created = builder.prefix(TEMPORARY).make_in(directory, |path| {
            run.note(path);
            File::create_new(path)
        });
        // Only the kind of the error is reported: its text names the temporary file, which means nothing to users.
        let mut file = created.map_err(|error| unwritable(error.kind().into()))?;
        if self.before.is_some() {
            let permissions = fs::metadata(&target).map_err(unwritable)?.permissions();
            file.as_file().set_permissions(permissions).map_err(unwritable)?;
        }
        file.write_all(self.after.as_bytes()).map_err(unwritable)?;
        file.as_file().sync_all().map_err(unwritable)?;
        Ok(Staged {
            change: self,
            target,
            file,
        })
    }

    /// The file that the path leads to, with links resolved. Fails if its text is no longer the text that was read.
    fn target(&self, root: &Root) -> Result<PathBuf, Failure> {
        let Some(before) = &self.before else {
            return Ok(root.resolve(&self.path));
        };
        let unreadable = |error| Failure::io("read", &self.path, &error);
        let target = root.resolve(&self.path).canonicalize().map_err(unreadable)?;
        let now = fs::read_to_string(&target).map_err(unreadable)?;
        if now != *before {
            return Err(
                Failure::new(format!("`{}` has changed in the meantime", display(&self.path)))
                    .help("run the command again"),
            );
        }
        if fs::metadata(&target).is_ok_and(|data| data.permissions().readonly()) {
            return Err(Failure::new(format!("`{}` is read-only", display(&self.path)))
                .help("make it writable, or edit it by hand"));
        }
        Ok(target)
    }

    fn diff(&self) -> String {
        let path = display(&self.path);
        let before = self.before.as_deref().unwrap_or_default();
        similar::TextDiff::from_lines(before, &self.after)
            .unified_diff()
            .context_radius(0)
            .header(&path, &path)
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of a workspace that has no target directory.
    fn run() -> ExclusiveRun {
        ExclusiveRun { journal: None }
    }

    #[test]
    fn the_next_run_removes_the_files_of_a_killed_one() {
        let directory = tempfile::tempdir().unwrap();
        let left = [".table-registry-a", "notes.txt", ".table-registry-directory"]
            .map(|name| directory.path().join(name));
        let killed = ExclusiveRun::locked(&directory.path().join("target"));
        for path in &left {
            killed.note(path);
        }
        fs::write(&left[0], "half").unwrap();
        fs::write(&left[1], "mine").unwrap();
        fs::create_dir(&left[2]).unwrap();
        let of_others = directory.path().join(".table-registry-b");
        fs::write(&of_others, "not noted").unwrap();
        drop(killed);
        ExclusiveRun::locked(&directory.path().join("target"));
        assert!(!left[0].exists() && left[1].exists() && left[2].exists() && of_others.exists());
        let journal = directory.path().join("target/.table-registry-lock");
        assert_eq!(fs::read_to_string(journal).unwrap(), "");
    }

    #[test]
    fn a_temporary_file_is_noted_before_it_exists() {
        let directory = tempfile::tempdir().unwrap();
        let run = ExclusiveRun::locked(&directory.path().join("target"));
        let mut changes = Changes::new(&Root::current());
        changes.create(directory.path().join("new"), "text");
        changes.commit(&run).unwrap();
        let journal = fs::read_to_string(directory.path().join("target/.table-registry-lock")).unwrap();
        assert!(
            journal.starts_with(&directory.path().join(".table-registry-").display().to_string()),
            "{journal}"
        );
    }

    #[test]
    fn all_are_written_or_none() {
        let directory = tempfile::tempdir().unwrap();
        let (old, new) = (directory.path().join("old"), directory.path().join("a/new"));
        fs::write(&old, "1").unwrap();
        let mut changes = Changes::new(&Root::current());
        changes.update(&old, "1", "2");
        changes.create(&new, "3");
        changes.commit(&run()).unwrap();
        assert_eq!(fs::read_to_string(&old).unwrap(), "2");
        assert_eq!(fs::read_to_string(&new).unwrap(), "3");

        let mut changes = Changes::new(&Root::current());
        changes.update(&old, "2", "4");
        changes.create(&new, "5");
        assert!(changes.commit(&run()).is_err());
        assert_eq!(
            fs::read_to_string(&old).unwrap(),
            "2",
            "the first one was restored"
        );
        assert_eq!(fs::read_to_string(&new).unwrap(), "3");
        let mut changes = Changes::new(&Root::current());
        changes.create(directory.path().join("deep/er/file"), "");
        changes.create(&new, "5");
        assert!(changes.commit(&run()).is_err());
        assert_eq!(
            fs::read_dir(directory.path()).unwrap().count(),
            2,
            "nothing is left over"
        );
    }

    #[test]
    fn a_file_changed_by_someone_else_is_not_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "theirs").unwrap();
        let mut changes = Changes::new(&Root::current());
        changes.update(&path, "read", "ours");
        let failure = changes.commit(&run()).unwrap_err();
        assert!(failure.render().contains("has changed in the meantime"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_are_kept() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&path, "1").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        let mut changes = Changes::new(&Root::current());
        changes.update(&link, "1", "2");
        changes.commit(&run()).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "2");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o664);
    }

    #[test]
    fn a_read_only_file_is_a_failure() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "1").unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        let mut changes = Changes::new(&Root::current());
        changes.update(&path, "1", "2");
        assert!(
            changes
                .commit(&run())
                .unwrap_err()
                .render()
                .contains("is read-only")
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "1");
    }

    #[test]
    fn the_diff_shows_the_lines() {
        let mut changes = Changes::new(&Root::current());
        changes.update("a", "1\n2\n3\n", "1\nzwei\n3\n");
        assert_eq!(changes.diff(), "--- a\n+++ a\n@@ -2 +2 @@\n-2\n+zwei\n");
    }
}
