//! Statements of migrations on rows that the policies hide from the owner, found while the migrations
//! were applied.

use table_registry_engine::DatabaseCheck;

use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::migrations::blind::{BlindStatement, FOREIGN_KEY};
use crate::database::requirements::statements::Qualified;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let statements = context.blind.iter();
    statements.map(|blind| finding(context, blind)).collect()
}

fn finding(context: &Context<'_>, blind: &BlindStatement) -> Finding {
    let BlindStatement {
        migration,
        command,
        role,
        ..
    } = blind;
    let name = context.short_name(&blind.schema, &blind.table);
    let effect = match *command {
        "SELECT" => "reads",
        FOREIGN_KEY => "checks",
        _ => "changes",
    };
    let message = format!("`{command}` in migration `{migration}` {effect} no row of `{name}`");
    let table = Qualified {
        schema: blind.schema.clone(),
        name: blind.table.clone(),
    };
    let (also, again) = if *command == FOREIGN_KEY {
        (
            " (and the same for the other table of the key)",
            "drop the key and add it again",
        )
    } else {
        ("", "repeat the statement")
    };
    let fix = format!(
        "if this migration has run nowhere, put the statement between `ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;` and \
         `ALTER TABLE {table} FORCE ROW LEVEL SECURITY;`{also}, in one transaction, or let a role with BYPASSRLS run it\n\
         if it has run, {again} in this way in a new migration, and name this one in `[[database.allow.blind-migration]]` \
         with `table = {name:?}`, `migration = {migration:?}` and a `reason`"
    );
    Finding::of_table(DatabaseCheck::BlindMigration, &name, message, fix)
        .object(migration)
        .fact(format!("`{}`: `{}`", blind.place, blind.statement))
        .fact(format!(
            "the policies bind `{role}`, which runs the migrations, and none shows it a row: the server reports success"
        ))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::migrations::blind::BlindStatement;
    use crate::database::testing::Database;

    #[test]
    fn what_the_statement_does_not_do() {
        for (command, message) in [
            (
                "UPDATE",
                "`UPDATE` in migration `2_slug.sql` changes no row of `invoices`",
            ),
            (
                "SELECT",
                "`SELECT` in migration `2_slug.sql` reads no row of `invoices`",
            ),
            (
                "FOREIGN KEY",
                "`FOREIGN KEY` in migration `2_slug.sql` checks no row of `invoices`",
            ),
        ] {
            let blind = BlindStatement {
                migration: "2_slug.sql".to_string(),
                place: "migrations/2_slug.sql:3".to_string(),
                statement: "UPDATE invoices SET slug = 'a'".to_string(),
                command,
                schema: "public".to_string(),
                table: "invoices".to_string(),
                role: "app_owner".to_string(),
            };
            let found = Database::sound().inspect_migrated(vec![blind], find);
            let texts: Vec<&str> = found.iter().map(|one| one.message.as_str()).collect();
            assert_eq!(texts, [message]);
            assert_eq!(found[0].object.as_deref(), Some("2_slug.sql"));
        }
    }
}
