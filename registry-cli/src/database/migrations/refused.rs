//! What the server's refusal of a statement means: whether it would be refused in production, too, and why.

use table_registry_engine::Platform;

use crate::database::code::mention::Words;
use crate::database::migrations::platform;
use crate::database::migrations::script::Statement;
use crate::database::server::session::{INSUFFICIENT_PRIVILEGE, Refusal};
use crate::failure::Failure;

/// What lets a refused statement run, if production would not refuse it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// A role that nothing creates.
    Role(String),
    /// The owner has to be a member of a role.
    Membership(String),
    /// Only a superuser may run the statement.
    Superuser,
}

const UNDEFINED_OBJECT: &str = "42704";
const INVALID_PARAMETER_VALUE: &str = "22023";
const DEPENDENT_OBJECTS_STILL_EXIST: &str = "2BP01";

/// What the statement needs and production may have. The messages are in English, because we started the server.
pub fn remedy(refusal: &Refusal, statement: &Statement) -> Option<Remedy> {
    let message = refusal.message.as_str();
    if [UNDEFINED_OBJECT, INVALID_PARAMETER_VALUE].contains(&refusal.code.as_str()) {
        let name = message
            .strip_prefix("role \"")?
            .strip_suffix("\" does not exist")?;
        return Some(Remedy::Role(name.to_string()));
    }
    if refusal.code != INSUFFICIENT_PRIVILEGE {
        return None;
    }
    let memberships = [
        "must be member of role \"",
        "must be able to SET ROLE \"",
        "permission denied to set role \"",
    ];
    let role = memberships.iter().find_map(|start| message.strip_prefix(start));
    if let Some(role) = role {
        return Some(Remedy::Membership(role.trim_end_matches('"').to_string()));
    }
    let is_needed = is_about_superusers(refusal) || lacks_create(refusal, statement);
    is_needed.then_some(Remedy::Superuser)
}

/// Whether a new owner lacks CREATE on the schema, which only a superuser may overlook. What the role holds in production
/// is not known.
fn lacks_create(refusal: &Refusal, statement: &Statement) -> bool {
    let words = Words::outside_quotes(&statement.text);
    statement.starts("alter")
        && words.contains("owner")
        && refusal.message.starts_with("permission denied for schema")
}

/// Whether the refusal is about an attribute of the role and not about a privilege on an object.
fn is_about_superusers(refusal: &Refusal) -> bool {
    let Refusal { message, hint, .. } = refusal;
    let starts = [
        "permission denied to ",
        "must have admin option on role",
        "must have CREATEROLE",
    ];
    let of_objects = [
        "permission denied for foreign-data wrapper",
        "permission denied for language",
    ];
    message == "permission denied"
        || starts
            .iter()
            .chain(&of_objects)
            .any(|start| message.starts_with(start))
        || message.starts_with("permission denied: ") && message.ends_with("is a system trigger")
        || [Some(message), hint.as_ref()].into_iter().flatten().any(|text| {
            let text = text.to_lowercase();
            text.contains("must be superuser")
                || text.contains("only superuser")
                || text.contains("must be a superuser")
        })
}

/// Whether a statement names something that the database lacks.
pub fn is_about_something_undefined(refusal: &Refusal) -> bool {
    const UNDEFINED: &[&str] = &["3F000", "42704", "42883", "42P01"];
    UNDEFINED.contains(&refusal.code.as_str())
}

/// Whether the statement cannot run in a transaction.
pub fn is_about_transactions(refusal: &Refusal) -> bool {
    [
        "cannot run inside a transaction block",
        "cannot be executed within a pipeline",
    ]
    .iter()
    .any(|end| refusal.message.ends_with(end))
}

/// The failure with what the server says, and where.
pub fn explained(failure: Failure, path: &str, statement: &Statement, refusal: &Refusal) -> Failure {
    let line = refusal
        .position
        .map_or(statement.line, |position| statement.line_at(position));
    let failure = failure.note(format!("`{path}:{line}`: {}", refusal.message));
    let hint = refusal.hint.as_ref().filter(|hint| is_harmless(hint));
    let failure = [refusal.detail.as_ref(), hint]
        .into_iter()
        .flatten()
        .fold(failure, Failure::note);
    failure.note(format!("the statement is `{}`", statement.excerpt()))
}

/// Whether the advice of a server can be followed without losing protection or data.
fn is_harmless(hint: &str) -> bool {
    const HARM: &[&str] = &[
        "NO FORCE ROW LEVEL SECURITY",
        "DISABLE ROW LEVEL SECURITY",
        "DISABLE TRIGGER",
        "DISABLE RULE",
        "SESSION_REPLICATION_ROLE",
        "ROW_SECURITY",
        "BYPASSRLS",
        "CASCADE",
    ];
    let words: Vec<&str> = hint.split_whitespace().collect();
    let text = words.join(" ").to_uppercase();
    !HARM.iter().any(|harm| text.contains(harm))
}

/// The failure with the reason and with what helps.
pub fn helped(failure: Failure, refusal: &Refusal, owner: &str, platform: Option<Platform>) -> Failure {
    if refusal.code == INSUFFICIENT_PRIVILEGE && refusal.message.contains("row-level security") {
        return failure
            .note(format!(
                "`{owner}` is no superuser: under FORCE ROW LEVEL SECURITY, the policies of a table bind its owner, too"
            ))
            .help(
                "in the same transaction, before and after the statement: `ALTER TABLE … NO FORCE ROW LEVEL SECURITY`, \
                 `ALTER TABLE … FORCE ROW LEVEL SECURITY`; or let a role with BYPASSRLS run it",
            );
    }
    if refusal.code == INSUFFICIENT_PRIVILEGE {
        return failure.help(
            "migrations run as the owner, as in production: name the role in `owner` of `[database]`, and put what \
             others do before into a file of `setup`",
        );
    }
    if refusal.code == DEPENDENT_OBJECTS_STILL_EXIST {
        return failure.help(
            "drop or change what depends on it in statements of their own: CASCADE would also drop policies, \
             constraints and columns that the statement does not name",
        );
    }
    failure.help(format!(
        "the throwaway server has a database `verify` with {}, and the roles that migrations name; put what else \
         production has before the first migration into a file of `setup` in `[database]`, or verify an existing \
         database with `--database-url`",
        content(platform)
    ))
}

/// What a new database has before the first migration.
pub fn content(platform: Option<Platform>) -> String {
    platform.map_or("nothing in it".to_string(), |platform| {
        format!("what {} has from the start", platform::name(platform))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement() -> Statement {
        Statement {
            text: "SELECT 1".to_string(),
            line: 1,
            head: vec!["select".to_string()],
        }
    }

    #[test]
    fn what_helps() {
        for message in [
            "permission denied to create role",
            "permission denied to create extension \"postgres_fdw\"",
            "must be superuser to execute ALTER SYSTEM command",
            "only superuser can define a leakproof function",
            "permission denied: \"RI_ConstraintTrigger_a_1\" is a system trigger",
            "permission denied",
        ] {
            assert_eq!(
                remedy(&Refusal::new("42501", message), &statement()),
                Some(Remedy::Superuser),
                "{message}"
            );
        }
        for message in [
            "must be member of role \"app\"",
            "must be able to SET ROLE \"app\"",
            "permission denied to set role \"app\"",
        ] {
            let expected = Remedy::Membership("app".to_string());
            assert_eq!(
                remedy(&Refusal::new("42501", message), &statement()),
                Some(expected),
                "{message}"
            );
        }
        let missing = Refusal::new("42704", "role \"a \"\" b\" does not exist");
        assert_eq!(
            remedy(&missing, &statement()),
            Some(Remedy::Role("a \"\" b".to_string()))
        );
    }

    #[test]
    fn hints_that_would_remove_protection_or_data() {
        for (hint, is_harmless_) in [
            (
                "To disable the policy for the table's owner, use ALTER TABLE NO FORCE ROW LEVEL SECURITY.",
                false,
            ),
            ("Use DROP ... CASCADE to drop the dependent objects too.", false),
            (
                "Truncate table \"b\" at the same time, or use TRUNCATE ... CASCADE.",
                false,
            ),
            ("Try alter table a disable\ntrigger all.", false),
            ("Set session_replication_role to replica.", false),
            ("Perhaps you meant to reference the column \"a.org_id\".", true),
        ] {
            assert_eq!(is_harmless(hint), is_harmless_, "{hint}");
        }
    }

    /// Production would refuse these, too.
    #[test]
    fn what_nothing_helps_against() {
        for (code, message) in [
            (
                "42501",
                "new row violates row-level security policy for table \"projects\"",
            ),
            (
                "42501",
                "query would be affected by row-level security policy for table \"a\"",
            ),
            ("42501", "permission denied for table a"),
            ("42501", "must be owner of table a"),
            ("42704", "type \"citext\" does not exist"),
            ("42P01", "relation \"a\" does not exist"),
        ] {
            assert_eq!(
                remedy(&Refusal::new(code, message), &statement()),
                None,
                "{message}"
            );
        }
    }
}
