//! The protection of a table that its partitions, children and parents lack.

use table_registry_engine::Access;

use crate::database::access::grants::open_grants;
use crate::database::catalog::Relation;
use crate::database::code::triggers::create_trigger_anew;
use crate::database::context::{Context, Table};
use crate::database::requirements::statements::{enable_rls, force_rls};
use crate::database::requirements::{Object, Requirement, of_relative};

/// Every privilege by which a relation is used.
pub const ANY: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"];

/// The facts about the requirements that a relative does not meet, and the statements that meet them.
#[derive(Default)]
pub struct Lacking {
    pub facts: Vec<String>,
    fixes: Vec<String>,
}

impl Lacking {
    /// The statements, unless there are none.
    pub fn fix(&self) -> Option<String> {
        (!self.fixes.is_empty()).then(|| self.fixes.join("\n"))
    }

    pub fn add(&mut self, fact: impl Into<String>, fix: String) {
        self.facts.push(fact.into());
        self.fixes.push(fix);
    }
}

/// What a relative lacks. Its own row-level security matters only for statements that address it directly, and so
/// only if the application may run them.
pub fn lacking(context: &Context<'_>, table: &Table<'_>, relative: &Relation, object: Object) -> Lacking {
    let is_used = context.is_used(relative, ANY);
    let access = table.registered.access;
    let asked = of_relative(context, table, relative, object).into_iter();
    let unmet = asked.filter(|one| !one.is_met(context, access, relative));
    let mut lacking = Lacking::default();
    for requirement in unmet {
        explain(context, access, relative, requirement, is_used, &mut lacking);
    }
    lacking
}

fn explain(
    context: &Context<'_>,
    access: Access,
    relative: &Relation,
    requirement: Requirement,
    is_used: bool,
    lacking: &mut Lacking,
) {
    let name = relative.qualified();
    match requirement {
        Requirement::RowSecurity if is_used => {
            lacking.add(
                "row-level security is off for statements that address it directly",
                enable_rls(&name),
            );
        }
        Requirement::ForcedRowSecurity if is_used => {
            lacking.add("row-level security does not apply to its owner", force_rls(&name));
        }
        Requirement::RowSecurity | Requirement::ForcedRowSecurity | Requirement::Policy => {}
        Requirement::RevokedChanges | Requirement::RevokedUnbound => {
            for grant in open_grants(context, relative, requirement.privileges(access)) {
                let fact = format!("{} {}", grant.privileges.join(", "), grant.way);
                lacking.add(fact, grant.revoke(context, relative));
            }
        }
        Requirement::Trigger => {
            lacking.add(
                "a statement-level trigger on the table does not fire for its children",
                create_trigger_anew(context, &name),
            );
        }
    }
}
