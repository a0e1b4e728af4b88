//! The generated statements. Code that the compiler refuses is in `tests/ui/typed`.

use erp::tables;
use handlers::{append, delete, tenant_query, update};

#[test]
fn statements_by_typed_key() {
    assert_eq!(
        append::<tables::audit_logs>(&["id", "org_id"]),
        r#"INSERT INTO "public"."audit_logs" ("id", "org_id") VALUES ($1, $2)"#
    );
    assert_eq!(
        update::<tables::contacts>(&["name", "email"]),
        r#"UPDATE "public"."contacts" SET "name" = $2, "email" = $3 WHERE "id" = $1"#
    );
    assert_eq!(
        delete::<tables::contacts>(),
        r#"DELETE FROM "public"."contacts" WHERE "id" = $1"#
    );
    assert_eq!(
        tenant_query::<tables::audit_logs>(),
        r#"SELECT * FROM "public"."audit_logs" WHERE "org_id" = $1"#
    );
}

#[test]
fn structs_and_their_keys_make_the_same_statements() {
    assert_eq!(
        delete::<erp::schema::contacts::Contacts>(),
        delete::<tables::contacts>()
    );
}
