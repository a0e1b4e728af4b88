//! The values by which rows are put into partitions.

use std::collections::BTreeMap;

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};
use sqlx::FromRow;

use crate::database::catalog::Oid;
use crate::database::server::session::Session;
use crate::failure::Failure;

/// The values of the partition keys of one partition, by column.
#[derive(Debug, Default)]
pub struct Bounds(BTreeMap<String, String>);

impl Bounds {
    pub fn value(&self, column: &str) -> Option<&str> {
        self.0.get(column).map(String::as_str)
    }
}

#[derive(FromRow)]
struct Partition {
    oid: Oid,
    parent: Oid,
    /// Such as `FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')`.
    bound: String,
    /// The columns of the key; empty for an expression.
    columns: Vec<String>,
}

const PARTITIONS: &str = "
SELECT c.oid::int8 AS oid, i.inhparent::int8 AS parent, pg_get_expr(c.relpartbound, c.oid) AS bound,
       ARRAY(
           SELECT coalesce(a.attname::text, '') FROM unnest(p.partattrs) WITH ORDINALITY AS k(number, position)
           LEFT JOIN pg_attribute a ON a.attrelid = i.inhparent AND a.attnum = k.number
           ORDER BY k.position
       ) AS columns
FROM pg_class c
JOIN pg_inherits i ON i.inhrelid = c.oid
JOIN pg_partitioned_table p ON p.partrelid = i.inhparent
WHERE c.relispartition AND c.relkind IN ('r', 'p')
ORDER BY c.oid";

/// The bounds of all partitions, together with those of the partitions around them.
pub fn bounds(session: &mut Session) -> Result<BTreeMap<Oid, Bounds>, Failure> {
    let partitions: Vec<Partition> = session.query("partitions", PARTITIONS)?;
    let mut found: BTreeMap<Oid, Bounds> = BTreeMap::new();
    for partition in &partitions {
        let mut bounds = Bounds::default();
        let mut at = Some(partition);
        while let Some(one) = at {
            let values = first_values(&one.bound);
            let pairs = one
                .columns
                .iter()
                .zip(values)
                .filter(|(column, _)| !column.is_empty());
            for (column, value) in pairs {
                bounds.0.entry(column.clone()).or_insert(value);
            }
            at = partitions.iter().find(|outer| outer.oid == one.parent);
        }
        found.insert(partition.oid, bounds);
    }
    Ok(found)
}

/// The lower bound of a range, which is inside, or the first value of a list.
fn first_values(bound: &str) -> Vec<String> {
    let is_list = bound.starts_with("FOR VALUES IN");
    if !is_list && !bound.starts_with("FOR VALUES FROM") {
        return Vec::new();
    }
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, bound)
        .tokenize()
        .unwrap_or_default();
    let mut values = vec![String::new()];
    let mut depth = 0_usize;
    for token in tokens {
        match token {
            Token::LParen if depth == 0 => depth = 1,
            Token::RParen if depth == 1 => break,
            Token::Comma if depth == 1 && is_list => break,
            Token::Comma if depth == 1 => values.push(String::new()),
            token if depth > 0 => {
                match token {
                    Token::LParen => depth += 1,
                    Token::RParen => depth -= 1,
                    _ => {}
                }
                if let Some(value) = values.last_mut() {
                    value.push_str(&token.to_string());
                }
            }
            _ => {}
        }
    }
    let known = values.iter().map(|value| value.trim().to_string());
    known.take_while(|value| value != "MINVALUE").collect()
}

#[cfg(test)]
mod tests {
    use super::first_values;

    #[test]
    fn values_that_belong_to_a_partition() {
        for (bound, expected) in [
            (
                "FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
                &["'2026-01-01'"][..],
            ),
            ("FOR VALUES FROM (1, 'a,b') TO (2, MAXVALUE)", &["1", "'a,b'"]),
            ("FOR VALUES FROM (MINVALUE) TO (2)", &[]),
            ("FOR VALUES IN ('a', 'b')", &["'a'"]),
            ("FOR VALUES IN (NULL)", &["NULL"]),
            ("FOR VALUES WITH (modulus 4, remainder 0)", &[]),
            ("DEFAULT", &[]),
        ] {
            assert_eq!(first_values(bound), expected, "{bound}");
        }
    }
}
