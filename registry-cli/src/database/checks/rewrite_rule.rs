//! Rules whose action opens a table. The action runs as the owner of the relation that has the rule.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::Rule;
use crate::database::code::openings::{opened_by, users_of};
use crate::database::code::tenant_statements::code_of_rule;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::requirements::relatives::ANY;
use crate::database::requirements::statements::identifier;
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let rules = context.catalog.all_rules();
    rules.filter_map(|rule| rewrite_rule(context, rule)).collect()
}

fn rewrite_rule(context: &Context<'_>, rule: &Rule) -> Option<Finding> {
    let on = context.catalog.relation_of(rule.relation)?;
    if !context.is_used(on, ANY) {
        return None;
    }
    let code = code_of_rule(context, rule, on);
    let opened = opened_by(context, &code, on.owner, |relation| relation.oid != on.oid);
    let first = opened.first()?;
    let owner = context.catalog.role_name(on.owner);
    let finding = Finding::of_table(
        DatabaseCheck::RewriteRule,
        first,
        format!("rule `{}` of `{}` opens {}", rule.name, on.name, quoted(&opened)),
        format!("DROP RULE {} ON {};", identifier(&rule.name), on.qualified()),
    );
    let is_own = context.table_of(on.oid).is_some_and(|own| opened == [own.name()]);
    Some(
        finding
            .about(&opened)
            .object(&rule.name)
            .of_relation((!is_own).then(|| context.name_of(on)))
            .through(users_of(context, &[on], ANY))
            .fact(format!(
                "its action runs as `{owner}`, the owner of `{}`",
                on.name
            )),
    )
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::catalog::Rule;
    use crate::database::testing::{Database, NOTHING, found};

    fn rule(it: &mut Database, action: &str) {
        let relation = it.oid("users");
        it.rows.rules.push(Rule {
            relation,
            name: "r".to_string(),
            definition: format!("CREATE RULE r AS ON INSERT TO public.users DO {action}"),
            instead_of: None,
        });
    }

    #[test]
    fn an_action_that_changes() {
        assert_eq!(
            found(find, |it| { rule(it, "DELETE FROM audit_logs") }),
            ["audit_logs r"]
        );
    }

    #[test]
    fn an_action_that_reads() {
        assert_eq!(
            found(find, |it| {
                rule(it, "SELECT * FROM invoices");
                it.relation("users").owner = it.role_oid("postgres");
            }),
            ["invoices r"]
        );
    }

    #[test]
    fn an_action_that_inserts() {
        const COPY: &str = "INSERT INTO public.audit_logs (id, org_id) VALUES (new.id, new.org_id)";
        const INSTEAD: &str =
            "INSTEAD INSERT INTO public.audit_logs (id, org_id) VALUES (new.id, new.org_id)";
        let inserts = |action: &'static str, on: &'static str| {
            found(find, move |it| {
                rule(it, action);
                let relation = it.oid(on);
                it.rows.rules[0].relation = relation;
                it.relation(on).owner = it.role_oid("postgres");
            })
        };
        assert_eq!(inserts(COPY, "users"), ["audit_logs r"]);
        assert_eq!(inserts(COPY, "invoices"), NOTHING);
        // Then no policy of the rule's own table judges the row.
        assert_eq!(inserts(INSTEAD, "invoices"), ["audit_logs r"]);
    }

    #[test]
    fn an_action_that_opens_nothing() {
        assert_eq!(found(find, |it| { rule(it, "NOTIFY users") }), NOTHING);
    }

    #[test]
    fn a_relation_that_the_application_cannot_use() {
        assert_eq!(
            found(find, |it| {
                rule(it, "DELETE FROM audit_logs");
                it.rows.grants.clear();
            }),
            NOTHING
        );
    }
}
