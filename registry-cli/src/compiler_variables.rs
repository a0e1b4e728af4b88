//! The environment variables that cargo sets for the compiler, as `env!` reads them.
//!
//! The directory of a build script's output has a hash in its name, and a target directory may hold several for one
//! package: of other features, or of another package with this name. Only cargo can tell which one belongs to a build,
//! so it is asked, but not before the package has been compiled: otherwise, a command that only reads would compile
//! every dependency of the build script.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use cargo_metadata::{BuildScript, Message, PackageId, TargetKind};
use table_registry_engine::Variables;

const OUTPUT_DIRECTORY: &str = "OUT_DIR";

/// The variables of a package.
#[derive(Clone, Debug, Default)]
pub struct PackageVariables {
    /// Those that depend on the manifest alone.
    fixed: BTreeMap<&'static str, String>,
    /// What the build script sets, if there is one and the package has been compiled.
    script: Option<Arc<Script>>,
}

/// The variables of one crate of a package.
#[derive(Debug)]
pub struct CrateVariables {
    package: PackageVariables,
    /// The name of the crate, if its target is known.
    crate_name: Option<String>,
    /// The name of the target if it is a program.
    program: Option<String>,
}

#[derive(Debug)]
struct Script {
    package: PackageId,
    manifest: PathBuf,
    result: OnceLock<Option<BuildScript>>,
}

impl PackageVariables {
    /// `build_directory` is that of cargo, with one directory per profile.
    pub fn new(package: &cargo_metadata::Package, build_directory: &Path) -> Self {
        let is_script = |target: &cargo_metadata::Target| target.kind.contains(&TargetKind::CustomBuild);
        let can_ask = package.targets.iter().any(is_script) && was_compiled(&package.name, build_directory);
        let script = can_ask.then(|| {
            Arc::new(Script {
                package: package.id.clone(),
                manifest: package.manifest_path.clone().into_std_path_buf(),
                result: OnceLock::new(),
            })
        });
        Self {
            fixed: of_manifest(package),
            script,
        }
    }

    pub fn of_crate(&self, name: Option<&str>, is_program: bool) -> CrateVariables {
        CrateVariables {
            package: self.clone(),
            crate_name: name.map(|name| name.replace('-', "_")),
            program: name.filter(|_| is_program).map(str::to_string),
        }
    }
}

impl Variables for CrateVariables {
    fn value(&self, name: &str) -> Option<String> {
        match name {
            "CARGO_CRATE_NAME" => self.crate_name.clone(),
            "CARGO_BIN_NAME" => self.program.clone(),
            _ => {
                let fixed = self.package.fixed.get(name).cloned();
                let set_by_script = || self.package.script.as_ref()?.value(name);
                fixed.or_else(set_by_script).or_else(|| inherited(name))
            }
        }
    }

    fn output_directory(&self) -> Option<String> {
        let result = self.package.script.as_ref()?.result.get()?.as_ref()?;
        Some(result.out_dir.to_string())
    }
}

impl Script {
    fn value(&self, name: &str) -> Option<String> {
        let result = self.result.get_or_init(|| self.ask_cargo()).as_ref()?;
        if name == OUTPUT_DIRECTORY {
            return Some(result.out_dir.to_string());
        }
        let mut variables = result.env.iter().rev();
        let (_, value) = variables.find(|(known, _)| known == name)?;
        Some(value.clone())
    }

    /// Lets cargo run the build script unless its output is up to date, and stops before the package is compiled.
    fn ask_cargo(&self) -> Option<BuildScript> {
        let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut cargo = Command::new(program)
            .args(["check", "--quiet", "--keep-going", "--message-format=json"])
            .arg("--manifest-path")
            .arg(&self.manifest)
            // The root of a workspace may have other default members.
            .args(["--package", &self.package.repr])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let messages = Message::parse_stream(BufReader::new(cargo.stdout.take()?));
        let found = messages.flatten().find_map(|message| match message {
            Message::BuildScriptExecuted(script) if script.package_id == self.package => Some(script),
            _ => None,
        });
        // It may have ended on its own.
        let _ = cargo.kill();
        let _ = cargo.wait();
        found
    }
}

/// A variable of this process, which a compiler started here would get, too. Those of cargo are of other packages.
fn inherited(name: &str) -> Option<String> {
    let is_of_cargo = name.starts_with("CARGO_") || name == OUTPUT_DIRECTORY;
    if is_of_cargo { None } else { env::var(name).ok() }
}

/// See the Cargo book, [Environment variables Cargo sets for crates](https://doc.rust-lang.org/cargo/reference/environment-variables.html#environment-variables-cargo-sets-for-crates).
/// A field that the manifest leaves out is an empty variable.
fn of_manifest(package: &cargo_metadata::Package) -> BTreeMap<&'static str, String> {
    let version = &package.version;
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let manifest = package.manifest_path.as_path();
    let directory = manifest.parent().map(ToString::to_string).unwrap_or_default();
    let file = |field: &Option<_>| field.as_ref().map(ToString::to_string).unwrap_or_default();
    let license_file = package.license_file.as_ref().map(ToString::to_string);
    let mut variables = BTreeMap::from([
        ("CARGO_MANIFEST_DIR", directory),
        ("CARGO_MANIFEST_PATH", manifest.to_string()),
        ("CARGO_PKG_AUTHORS", package.authors.join(":")),
        ("CARGO_PKG_DESCRIPTION", text(&package.description)),
        ("CARGO_PKG_HOMEPAGE", text(&package.homepage)),
        ("CARGO_PKG_LICENSE", text(&package.license)),
        ("CARGO_PKG_LICENSE_FILE", license_file.unwrap_or_default()),
        ("CARGO_PKG_NAME", package.name.to_string()),
        ("CARGO_PKG_README", file(&package.readme)),
        ("CARGO_PKG_REPOSITORY", text(&package.repository)),
        ("CARGO_PKG_VERSION", version.to_string()),
        ("CARGO_PKG_VERSION_MAJOR", version.major.to_string()),
        ("CARGO_PKG_VERSION_MINOR", version.minor.to_string()),
        ("CARGO_PKG_VERSION_PATCH", version.patch.to_string()),
        ("CARGO_PKG_VERSION_PRE", version.pre.to_string()),
    ]);
    if let Some(links) = &package.links {
        variables.insert("CARGO_MANIFEST_LINKS", links.clone());
    }
    variables
}

/// Whether a build script of a package with this name has run in one of the profiles and platforms.
fn was_compiled(name: &str, build_directory: &Path) -> bool {
    let platforms = subdirectories(build_directory);
    let profiles = platforms.iter().flat_map(|platform| subdirectories(platform));
    let mut builds = platforms.iter().cloned().chain(profiles);
    builds.any(|profile| {
        let scripts = subdirectories(&profile.join("build")).into_iter();
        let mut names = scripts.filter_map(|script| Some(script.file_name()?.to_string_lossy().into_owned()));
        // With a hash, or above a directory with one, depending on the version of cargo.
        names.any(|script| script == name || script.rsplit_once('-').is_some_and(|(known, _)| known == name))
    })
}

fn subdirectories(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}
