//! Prints the registry.

use std::cmp::Reverse;
use std::io::{self, ErrorKind, Write};

use erp::{REGISTRY_EXEMPT, REVOKE_UPDATE_DELETE_TABLES, RLS_TABLES, TABLE_NAMES, TABLE_REGISTRY};
use table_registry::TableKind;

fn main() -> io::Result<()> {
    match print(&mut io::stdout().lock()) {
        // Whoever reads has seen enough, as in `cargo run -p erp | head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn print(out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{} tables, {} RLS, {} append-only, {} exempt",
        TABLE_REGISTRY.len(),
        RLS_TABLES.len(),
        REVOKE_UPDATE_DELETE_TABLES.len(),
        REGISTRY_EXEMPT.len(),
    )?;
    writeln!(out, "{}", counts_by_kind())?;
    print_tables(out)?;
    print_exempt(out)?;
    out.flush()
}

fn counts_by_kind() -> String {
    let mut counts = TableKind::ALL.map(|kind| (count(kind), kind));
    counts.sort_by_key(|&(count, _)| Reverse(count));
    counts.map(|(count, kind)| format!("{count} {kind}")).join(", ")
}

fn count(kind: TableKind) -> usize {
    TABLE_REGISTRY.iter().filter(|entry| entry.1 == kind).count()
}

fn print_tables(out: &mut impl Write) -> io::Result<()> {
    let width = TABLE_NAMES.iter().map(|name| name.len()).max().unwrap_or(0);
    writeln!(
        out,
        "\n{:width$}  {:10}  {:3}  APPEND-ONLY",
        "TABLE", "KIND", "RLS"
    )?;
    for (name, kind) in TABLE_REGISTRY {
        let rls = yes_if(RLS_TABLES.contains(&name));
        let append_only = yes_if(REVOKE_UPDATE_DELETE_TABLES.contains(&name));
        writeln!(out, "{name:width$}  {kind:10}  {rls:3}  {append_only}")?;
    }
    Ok(())
}

fn yes_if(flag: bool) -> &'static str {
    if flag { "yes" } else { "-" }
}

fn print_exempt(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\nEXEMPT")?;
    for name in REGISTRY_EXEMPT {
        writeln!(out, "{name}")?;
    }
    Ok(())
}
