//! The output of `verify`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_sarif::sarif;
use table_registry_engine::{Diagnostic, Placed, Severity, display};

use crate::cli::{VerifyArguments, VerifyFormat};
use crate::database::context::Context;
use crate::database::findings::exceptions::{self, Allowance};
use crate::database::findings::finding::{Finding, Remedy};
use crate::database::migrations::apply::Applied;
use crate::failure::Failure;
use crate::groups::{self, Detail, Entry};
use crate::project::Project;
use crate::report::{self, Exit, counted, say};
use crate::text::{one_line, printable};

/// What `--format json` prints: `registry-cli/schema/verify.json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Json<'f> {
    /// The version of this format.
    version: u32,
    /// The findings.
    findings: Vec<Row<'f>>,
    /// What would be a finding without an exception, sorted by what the exception names.
    allowed: Vec<AllowedRow<'f>>,
    /// The migrations whose result was verified, if it was not an existing database.
    applied: Option<AppliedRow<'f>>,
}

/// The migrations that a throwaway server ran.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct AppliedRow<'f> {
    /// How many there are.
    migrations: usize,
    /// The tool that owns the directory, if it is a known one.
    tool: Option<&'static str>,
    /// The role that ran them.
    owner: &'f str,
    /// The version of the server.
    postgres: &'f str,
}

/// One finding.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Row<'f> {
    /// The check; `cargo table-registry explain` describes it.
    code: &'static str,
    /// `error` or `warning`.
    severity: &'static str,
    /// The registered or exempt table, if the finding is about one.
    table: Option<&'f str>,
    /// The policy, role, view, … that the finding is about, if there is one.
    object: Option<&'f str>,
    /// The partition, child or other relation that has the object, if it is not the table itself.
    relation: Option<&'f str>,
    /// What is wrong.
    message: &'f str,
    /// The evidence from the system catalogs.
    facts: &'f [String],
    /// The SQL, or another instruction, that fixes it.
    fix: &'f str,
    /// The databases that have it, if others that were verified with them have not; empty if all have it.
    databases: &'f [String],
    /// The options of `cargo table-registry` with which it prints what fixes all findings like this one, if it does.
    command: Option<String>,
}

/// A finding that an exception allows.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct AllowedRow<'f> {
    /// The check.
    code: &'static str,
    /// The table that the exception names.
    table: Option<&'f str>,
    /// The role of the application that the exception names, if the check is about roles.
    role: Option<&'f str>,
    /// The policy, function, column, … that the exception names, if the check is not about the table as a whole.
    object: Option<&'f str>,
    /// The partition or other relation that has the object, if it is not the table itself.
    relation: Option<&'f str>,
    /// The command and the roles of the policy, if the finding is about one: `FOR SELECT TO app`.
    scope: Option<&'f str>,
    /// The clauses of the policy, if the finding is about one: `USING (true)`.
    expression: Option<&'f str>,
    /// What would be reported.
    message: &'f str,
    /// Why it is allowed.
    reason: &'f str,
}

pub fn print(
    project: &Project,
    findings: &[Finding],
    allowed: &[Allowance<'_>],
    applied: Option<&Applied>,
    arguments: &VerifyArguments,
) -> Result<Exit, Failure> {
    let diagnostics: Vec<Diagnostic> = findings.iter().map(|one| one.diagnostic(project)).collect();
    match arguments.format {
        VerifyFormat::Human => {
            let with_diagnostics = findings.iter().zip(diagnostics);
            let entries =
                with_diagnostics.map(|(one, diagnostic)| entry(project, arguments, one, diagnostic));
            let detail = Detail {
                whole: 1,
                verbose: arguments.verbose,
            };
            Ok(groups::print(&entries.collect::<Vec<_>>(), detail))
        }
        VerifyFormat::Github => report::github(&diagnostics, &project.package.root),
        VerifyFormat::Json => {
            report::json(&Json {
                version: report::JSON_VERSION,
                findings: findings.iter().map(row).collect(),
                allowed: allowed.iter().map(allowed_row).collect(),
                applied: applied.map(|applied| AppliedRow {
                    migrations: applied.count,
                    tool: applied.tool,
                    owner: &applied.owner,
                    postgres: &applied.version,
                }),
            })?;
            Ok(report::exit(&diagnostics))
        }
        VerifyFormat::Sarif => {
            report::json(&log(project, &diagnostics))?;
            Ok(report::exit(&diagnostics))
        }
    }
}

fn entry(project: &Project, arguments: &VerifyArguments, finding: &Finding, diagnostic: Diagnostic) -> Entry {
    let object = finding.object.as_deref().map(one_line);
    let part = match (object, finding.relation.as_deref().map(one_line)) {
        (Some(object), Some(relation)) => Some(format!("{object} of {relation}")),
        (object, relation) => object.or(relation),
    };
    let (subject, part) = match finding.table.as_deref().map(one_line) {
        Some(table) => (table, part),
        None => (part.unwrap_or_else(|| diagnostic.message.clone()), None),
    };
    Entry {
        diagnostic,
        subject,
        part,
        remedy: finding
            .remedy
            .map(|remedy| instruction(project, arguments, remedy)),
    }
}

/// How to run the statements that a command prints.
fn instruction(project: &Project, arguments: &VerifyArguments, remedy: Remedy) -> String {
    let sql = format!("sql{}", remedy.options());
    let run = match remedy {
        Remedy::Requirements => "in one transaction, as the owner of the tables",
        Remedy::Indexes => "statement by statement, outside a transaction",
    };
    let database = match &arguments.server.migrations {
        Some(directory) => {
            let setup = arguments.server.setup.iter();
            let setup = setup.map(|file| format!(" --setup {}", display(file)));
            format!(
                " --migrations {}{}",
                display(directory),
                setup.collect::<String>()
            )
        }
        None if arguments.database_url.is_empty() => String::new(),
        None => " --database-url …".to_string(),
    };
    let command = project.package.command(&format!("{sql} --diff{database}"));
    format!("`{command}` prints what fixes all of them:\nrun it {run}")
}

/// Shows what each policy that an exception names lets through, so that a widened one is seen in review.
pub fn say_what_is_allowed(allowed: &[Allowance<'_>]) {
    for line in exceptions::policies(allowed) {
        report::status("Allowed", printable(&line));
    }
}

pub fn say_what_was_verified(contexts: &[Context<'_>], findings: &[Finding]) {
    for context in contexts {
        let tables = counted(context.present().count(), "table");
        let server = &context.catalog.server;
        let version = server.version / 10_000;
        report::status(
            "Verified",
            format!("{tables} of `{}` in PostgreSQL {version}", server.database),
        );
    }
    if !findings.is_empty() {
        say!("{}", report::summary(findings.iter().map(|one| one.severity)));
    }
}

fn row(finding: &Finding) -> Row<'_> {
    Row {
        code: finding.code.as_str(),
        severity: report::severity(finding.severity),
        table: finding.table.as_deref(),
        object: finding.object.as_deref(),
        relation: finding.relation.as_deref(),
        message: &finding.message,
        facts: &finding.facts,
        fix: &finding.fix,
        databases: &finding.databases,
        command: finding
            .remedy
            .map(|remedy| format!("sql{} --diff", remedy.options())),
    }
}

fn allowed_row<'f>(allowed: &'f Allowance<'_>) -> AllowedRow<'f> {
    let exception = allowed.exception;
    let subject = Some(exception.subject.value.as_str());
    let is_role = exception.check.subject().is_role();
    let value = |name: &'f Option<Placed<String>>| name.as_ref().map(|name| name.value.as_str());
    AllowedRow {
        code: exception.check.as_str(),
        table: subject.filter(|_| !is_role),
        role: subject.filter(|_| is_role),
        object: value(&exception.object),
        relation: value(&exception.relation),
        scope: allowed.policy.as_ref().map(|policy| policy.scope.as_str()),
        expression: allowed.policy.as_ref().map(|policy| policy.expression.as_str()),
        message: &allowed.message,
        reason: &exception.reason,
    }
}

/// <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.
fn log(project: &Project, diagnostics: &[Diagnostic]) -> sarif::Sarif {
    let driver = sarif::ToolComponent::builder()
        .name(env!("CARGO_PKG_NAME"))
        .version(env!("CARGO_PKG_VERSION"))
        .build();
    let tool = sarif::Tool::builder().driver(driver).build();
    let results: Vec<sarif::Result> = diagnostics.iter().map(|one| result(project, one)).collect();
    let run = sarif::Run::builder().tool(tool).results(results).build();
    sarif::Sarif::builder()
        .schema(sarif::SCHEMA_URL)
        .version(sarif::Version::V2_1_0.to_string())
        .runs(vec![run])
        .build()
}

fn result(project: &Project, diagnostic: &Diagnostic) -> sarif::Result {
    let level = match diagnostic.severity {
        Severity::Error => sarif::ResultLevel::Error,
        Severity::Warning => sarif::ResultLevel::Warning,
    };
    sarif::Result::builder()
        .rule_id(diagnostic.code.as_str())
        .level(level)
        .message(
            sarif::Message::builder()
                .text(report::whole_text(diagnostic))
                .build(),
        )
        .locations(locations(project, diagnostic))
        .build()
}

/// At least one location, because readers reject the whole log otherwise. A finding without a place is located in the
/// policy file.
fn locations(project: &Project, diagnostic: &Diagnostic) -> Vec<sarif::Location> {
    if diagnostic.labels.is_empty() {
        let policy = project.inputs.files.main.as_ref();
        let path = policy.map_or("Cargo.toml", |file| file.path.as_str());
        return vec![location(path, (1, 1))];
    }
    let labels = diagnostic.labels.iter();
    labels
        .map(|label| location(&label.source.path, label.source.position(label.range.start)))
        .collect()
}

fn location(path: &str, (line, column): (usize, usize)) -> sarif::Location {
    let number = |number: usize| i64::try_from(number).unwrap_or(1);
    let region = sarif::Region::builder()
        .start_line(number(line))
        .start_column(number(column))
        .build();
    let file = sarif::ArtifactLocation::builder()
        .uri(utf8_percent_encode(path, NOT_IN_A_PATH).to_string())
        .build();
    let physical = sarif::PhysicalLocation::builder()
        .artifact_location(file)
        .region(region)
        .build();
    sarif::Location::builder().physical_location(physical).build()
}

/// Everything except the slash and the unreserved characters of RFC 3986, section 2.3.
const NOT_IN_A_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_the_committed_one() {
        let schema = serde_json::to_string_pretty(&schemars::schema_for!(Json<'_>)).unwrap() + "\n";
        snapbox::assert_data_eq!(schema, snapbox::file!["../../../schema/verify.json"].raw());
    }
}
