//! The packages of a workspace, from `cargo metadata`, and the selection of the user.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{self, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, TargetKind};
use table_registry_engine::{Root, clean, did_you_mean, display};

use crate::cli::Selection;
use crate::compiler_variables::{CrateVariables, PackageVariables};
use crate::failure::Failure;
use crate::lock_file;

/// The package that users of a registry depend on.
pub const FACADE: &str = "table-registry";

/// One package of the workspace. Paths are as the compiler shows them: relative to the root of the workspace, or
/// absolute outside of it.
#[derive(Clone, Debug)]
#[cfg_attr(test, derive(Default))]
pub struct Package {
    pub name: String,
    /// The root of the workspace, to which all paths here are relative.
    pub root: Root,
    pub directory: PathBuf,
    /// The root files of its crates, the library first.
    pub crate_roots: Vec<PathBuf>,
    /// The targets of its crates, in the same order.
    pub targets: Vec<CrateTarget>,
    /// The packages that it depends on in every build.
    pub dependencies: BTreeSet<String>,
    /// The name by which its code refers to the facade, if it depends on the facade in every build.
    pub facade: Option<String>,
    /// The name by which its code refers to the facade, if it depends on the facade in some builds only.
    pub optional_facade: Option<String>,
    /// Whether it depends on the facade in at least some builds.
    pub mentions_facade: bool,
    /// The feature that turns on an optional facade, if there is exactly one.
    pub facade_feature: Option<String>,
    /// Whether paths in `use` start with a crate name, as they do since edition 2018.
    pub has_crate_paths: bool,
    /// Whether it is the only package of the workspace.
    pub is_alone: bool,
    /// The directories of the path dependencies, by the name that the code uses.
    pub path_dependencies: Vec<(String, PathBuf)>,
    /// The environment variables of its compiler.
    pub variables: PackageVariables,
    /// All packages with their dependencies, read where the call of the macro is not in plain sight.
    pub resolved: Arc<OnceLock<Option<Metadata>>>,
    /// The target with the registry, if it is not the first registry of the package.
    pub target: Option<String>,
}

/// The cargo target of a crate.
#[derive(Clone, Debug)]
pub struct CrateTarget {
    pub name: String,
    pub is_program: bool,
}

impl Package {
    /// The target with this root.
    pub fn target_of(&self, crate_root: &Path) -> Option<&CrateTarget> {
        let position = self.crate_roots.iter().position(|root| root == crate_root)?;
        self.targets.get(position)
    }

    pub fn variables_of(&self, crate_root: &Path) -> CrateVariables {
        let target = self.target_of(crate_root);
        let name = target.map(|target| target.name.as_str());
        self.variables
            .of_crate(name, target.is_some_and(|target| target.is_program))
    }

    /// A command line of this program that works on this package.
    pub fn command(&self, command: &str) -> String {
        let selection = if self.is_alone {
            String::new()
        } else {
            format!(" -p {}", self.name)
        };
        format!("cargo table-registry {command}{selection}")
    }

    /// Fails for edition 2015, in which `table_registry::…` is not a path to the crate.
    pub fn check_edition(&self) -> Result<(), Failure> {
        if self.has_crate_paths {
            return Ok(());
        }
        Err(Failure::new(format!("package `{}` uses edition 2015", self.name))
            .note("this is the edition of a manifest that names none")
            .help("set `edition = \"2024\"` in its `[package]`"))
    }

    /// The path of its lock file, whether there is one or not.
    pub fn lock_file(&self) -> PathBuf {
        self.directory.join(lock_file::name(self.target.as_deref()))
    }

    /// The lock files that `sync` wrote for it, for the registries that it has or had.
    pub fn written_locks(&self) -> Vec<PathBuf> {
        let names = self
            .root
            .names_in(&self.directory, |entry| {
                lock_file::is_name(&entry.file_name().to_string_lossy())
            })
            .into_iter();
        let paths = names.map(|name| self.directory.join(name));
        let is_ours = |path: &PathBuf| self.read(path).is_ok_and(|text| lock_file::is_written(&text));
        paths.filter(is_ours).collect()
    }

    /// The feature without which the crate has no registry, if the facade is optional. Fails if the condition is not
    /// known.
    pub fn registry_feature(&self) -> Result<Option<&str>, Failure> {
        let is_optional = self.mentions_facade && self.facade.is_none();
        match &self.facade_feature {
            Some(feature) if is_optional => Ok(Some(feature)),
            None if is_optional => Err(Failure::new(format!(
                "`{}` depends on `{FACADE}` only in some builds",
                self.name
            ))
            .note("no single feature turns the dependency on, so the condition for `#[table]` is not known")
            .help(format!(
                "give it a feature of its own: `registry = [\"dep:{FACADE}\"]`"
            ))),
            _ => Ok(None),
        }
    }

    pub fn has_lock_file(&self) -> bool {
        self.root.has_entry(&self.lock_file())
    }

    pub fn read(&self, path: &Path) -> Result<String, Failure> {
        read(&self.root, path)
    }

    pub fn manifest(&self) -> PathBuf {
        self.directory.join("Cargo.toml")
    }
}

/// The packages that the user selects.
#[derive(Debug)]
pub struct Workspace {
    /// The directory in which the compiler runs, and to which paths in diagnostics are relative.
    pub root: Root,
    pub packages: Vec<Package>,
    /// Whether the user named packages or is in the directory of one.
    pub is_explicit: bool,
    /// Cargo's target directory.
    pub target: PathBuf,
}

impl Workspace {
    /// Reads the workspace.
    pub fn load(selection: &Selection) -> Result<Self, Failure> {
        let metadata = read_metadata(selection)?;
        let current = start(selection)?;
        let root = metadata.workspace_root.as_std_path();
        let members = metadata.workspace_packages();
        let mut packages: Vec<Package> = members
            .into_iter()
            .map(|member| package(member, &metadata))
            .collect();
        packages.sort_by(|one, other| one.name.cmp(&other.name));
        let resolved = Arc::default();
        for package in &mut packages {
            package.resolved = Arc::clone(&resolved);
        }
        if let [package] = packages.as_mut_slice() {
            package.is_alone = true;
        }
        let chosen = choose(&packages, selection, &current, root)?;
        Ok(Self {
            root: Root::at(root),
            target: metadata.target_directory.clone().into_std_path_buf(),
            is_explicit: chosen.is_some(),
            packages: chosen.unwrap_or(packages),
        })
    }
}

fn read_metadata(selection: &Selection) -> Result<Metadata, Failure> {
    let mut command = MetadataCommand::new();
    command.no_deps();
    if let Some(path) = &selection.manifest_path {
        command.manifest_path(path);
    }
    command.exec().map_err(|error| {
        let text = match &error {
            cargo_metadata::Error::CargoMetadata { stderr } => stderr.trim().to_string(),
            other => other.to_string(),
        };
        Failure::new("the workspace cannot be read")
            .note(text.trim_start_matches("error: "))
            .help("run the command in the directory of a package, or name its `Cargo.toml` with `--manifest-path`")
    })
}

/// The directory that decides which package is selected.
fn start(selection: &Selection) -> Result<PathBuf, Failure> {
    let current = env::current_dir().map_err(|error| Failure::io("entered", Path::new("."), &error))?;
    let start = match selection.manifest_path.as_deref().and_then(Path::parent) {
        Some(directory) => current.join(directory),
        None => current,
    };
    Ok(start.canonicalize().unwrap_or(start))
}

fn package(member: &cargo_metadata::Package, metadata: &Metadata) -> Package {
    let root = metadata.workspace_root.as_std_path();
    let build_directory = metadata
        .build_directory
        .as_ref()
        .unwrap_or(&metadata.target_directory);
    let shown = |path: &Path| clean(path.strip_prefix(root).unwrap_or(path));
    let with_schema = member
        .targets
        .iter()
        .filter(|target| target.kind.iter().any(can_hold_schema));
    let is_program = |target: &&cargo_metadata::Target| target.kind.contains(&TargetKind::Bin);
    let (programs, libraries): (Vec<_>, Vec<_>) = with_schema.partition(is_program);
    let mut crate_roots: Vec<PathBuf> = Vec::new();
    let mut targets: Vec<CrateTarget> = Vec::new();
    for target in libraries.into_iter().chain(programs) {
        let crate_root = shown(target.src_path.as_std_path());
        if !crate_roots.contains(&crate_root) {
            crate_roots.push(crate_root);
            targets.push(CrateTarget {
                name: target.name.clone(),
                is_program: is_program(&target),
            });
        }
    }
    let normal = member
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal);
    let always = normal
        .clone()
        .filter(|dependency| !dependency.optional && dependency.target.is_none());
    Package {
        root: Root::at(root),
        name: member.name.to_string(),
        directory: shown(member.manifest_path.as_std_path().parent().unwrap_or(root)),
        crate_roots,
        targets,
        is_alone: false,
        path_dependencies: normal.clone().filter_map(path_dependency).collect(),
        variables: PackageVariables::new(member, build_directory.as_std_path()),
        resolved: Arc::default(),
        target: None,
        dependencies: always.clone().map(|dependency| dependency.name.clone()).collect(),
        facade: always
            .clone()
            .find(|dependency| dependency.name == FACADE)
            .map(called),
        optional_facade: normal
            .clone()
            .find(|dependency| dependency.name == FACADE && dependency.optional)
            .map(called),
        mentions_facade: normal.clone().any(|dependency| dependency.name == FACADE),
        facade_feature: normal
            .clone()
            .find_map(|dependency| facade_feature(member, dependency)),
        has_crate_paths: member.edition != cargo_metadata::Edition::E2015,
    }
}

fn facade_feature(
    member: &cargo_metadata::Package,
    dependency: &cargo_metadata::Dependency,
) -> Option<String> {
    let key = dependency.rename.as_ref().unwrap_or(&dependency.name);
    let enables = |list: &[String]| list.iter().any(|item| *item == format!("dep:{key}"));
    let mut features = member.features.iter().filter(|(_, list)| enables(list));
    match (features.next(), features.next()) {
        (Some((feature, _)), None) if dependency.name == FACADE && dependency.optional => {
            Some(feature.clone())
        }
        _ => None,
    }
}

fn path_dependency(dependency: &cargo_metadata::Dependency) -> Option<(String, PathBuf)> {
    let path = dependency.path.as_ref()?;
    Some((called(dependency), path.clone().into_std_path_buf()))
}

/// The name of a dependency in the sources.
pub fn called(dependency: &cargo_metadata::Dependency) -> String {
    let name = dependency.rename.as_ref().unwrap_or(&dependency.name);
    name.replace('-', "_")
}

/// Whether a target can hold the schema: tests, examples, benches and build scripts cannot.
pub fn can_hold_schema(kind: &TargetKind) -> bool {
    !matches!(
        kind,
        TargetKind::Test | TargetKind::Example | TargetKind::Bench | TargetKind::CustomBuild
    )
}

/// The packages that the user names, or the one whose directory the user is in; `None` for all packages.
fn choose(
    packages: &[Package],
    selection: &Selection,
    current: &Path,
    root: &Path,
) -> Result<Option<Vec<Package>>, Failure> {
    if !selection.packages.is_empty() {
        let names: BTreeSet<&String> = selection.packages.iter().collect();
        let found = names.into_iter().map(|name| find(packages, name));
        return found.collect::<Result<_, _>>().map(Some);
    }
    if selection.workspace {
        return Ok(None);
    }
    // `current` is canonical, too.
    let canonical = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    if current == canonical {
        return Ok(None);
    }
    let below = packages
        .iter()
        .filter(|package| current.starts_with(canonical.join(&package.directory)));
    let deepest = below.max_by_key(|package| package.directory.components().count());
    Ok(deepest.map(|package| vec![package.clone()]))
}

fn find(packages: &[Package], name: &str) -> Result<Package, Failure> {
    let found = packages.iter().find(|package| package.name == name);
    found.cloned().ok_or_else(|| {
        let names = packages.iter().map(|package| package.name.as_str());
        Failure::new(format!("the workspace has no package `{name}`")).maybe_help(did_you_mean(name, names))
    })
}

/// A path of the command line, which is relative to the current directory.
pub fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    path::absolute(path).map_err(|error| Failure::io("resolved", path, &error))
}

pub fn read(root: &Root, path: &Path) -> Result<String, Failure> {
    fs::read_to_string(root.resolve(path)).map_err(|error| Failure::io("read", path, &error))
}

/// Names and manifests of packages, for messages.
pub fn names(packages: &[Package]) -> String {
    let names: Vec<String> = packages
        .iter()
        .map(|package| format!("`{}` ({})", package.name, display(&package.manifest())))
        .collect();
    names.join(", ")
}
