//! A throwaway server with the result of migrations.

use std::path::{Path, PathBuf};

use crate::cli::MigrationArguments;
use crate::database::migrations::apply::{self, Applied, DATABASE, Production, SetupFile};
use crate::database::migrations::platform;
use crate::database::migrations::{directory, told};
use crate::database::server::process::Server;
use crate::database::server::session::Session;
use crate::failure::Failure;
use crate::project::Project;
use crate::report;
use crate::workspace::{absolute, read};

/// A server that is removed when this value is dropped.
pub struct Throwaway {
    /// Declared first, so that it is dropped before the server.
    pub session: Session,
    pub applied: Applied,
    _server: Server,
}

impl Throwaway {
    /// The server that the arguments ask for. `None` if they name no migrations.
    pub fn of_arguments(project: &Project, arguments: &MigrationArguments) -> Result<Option<Self>, Failure> {
        let Some(directory) = &arguments.migrations else {
            return Ok(None);
        };
        let root = &project.package.root;
        let migrations = directory::find(root, root.relative(&absolute(directory)?))?;
        let production = production(project, &arguments.setup)?;
        let superuser = platform::superuser(production.platform);
        let server = Server::start_with(superuser, arguments.postgres_version.as_deref())?;
        let applied = apply::apply(&server, &migrations, &production)?;
        let settings = &project.policy.database;
        told::say_what_production_needs(&applied, production.owner(), settings);
        report::status("Applied", applied.summary());
        Ok(Some(Self {
            session: Session::connect_to(&server, DATABASE)?,
            applied,
            _server: server,
        }))
    }
}

/// What the policy file says of production, and what the command line adds.
fn production(project: &Project, more: &[PathBuf]) -> Result<Production, Failure> {
    let settings = &project.policy.database;
    let root = &project.package.root;
    let mut files: Vec<PathBuf> = Vec::new();
    for file in &settings.setup {
        let beside = Path::new(&file.source.path).parent().unwrap_or(Path::new(""));
        files.push(beside.join(&file.value));
    }
    for file in more {
        files.push(root.relative(&absolute(file)?).to_path_buf());
    }
    let setup = files.into_iter().map(|path| {
        let help = "name a file of SQL that a superuser runs before the migrations";
        let text = read(root, &path).map_err(|failure| failure.help(help))?;
        SetupFile::of_text(path, &text)
    });
    Ok(Production {
        owner: settings.owner.as_ref().map(|owner| owner.value.clone()),
        platform: settings.platform,
        setup: setup.collect::<Result<_, _>>()?,
        roles: settings.checked_roles().map(ToString::to_string).collect(),
        tenant_setting: project.registry.tenant_setting().map(ToString::to_string),
    })
}
