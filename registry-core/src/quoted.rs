//! The name of a table as SQL writes it.

use crate::key::Key;

/// PostgreSQL keeps 63 bytes of a name (`NAMEDATALEN - 1`). Each byte may be a quotation mark, which SQL doubles; two
/// more surround each name, and a dot is between them.
const MAX_BYTES: usize = 2 * (2 * 63 + 2) + 1;

struct Text {
    bytes: [u8; MAX_BYTES],
    length: usize,
}

impl Text {
    const fn of<K: Key + ?Sized>() -> Self {
        let empty = Self {
            bytes: [0; MAX_BYTES],
            length: 0,
        };
        match K::TABLE_SCHEMA {
            // The registered name starts with the schema and a dot.
            Some(schema) => {
                let (_, name) = K::TABLE_NAME.as_bytes().split_at(schema.len() + 1);
                empty.quoted(schema.as_bytes()).and(b'.').quoted(name)
            }
            None => {
                let (schema, name) = (K::DEFAULT_SCHEMA.as_bytes(), K::TABLE_NAME.as_bytes());
                empty.quoted(schema).and(b'.').quoted(name)
            }
        }
    }

    const fn and(mut self, byte: u8) -> Self {
        self.bytes[self.length] = byte;
        self.length += 1;
        self
    }

    const fn quoted(self, name: &[u8]) -> Self {
        let mut text = self.and(b'"');
        let mut at = 0;
        while at < name.len() {
            if name[at] == b'"' {
                text = text.and(b'"');
            }
            text = text.and(name[at]);
            at += 1;
        }
        text.and(b'"')
    }
}

/// Computed when something uses it, so that a table costs the compiler nothing otherwise.
pub struct Quoted<K: ?Sized>(core::marker::PhantomData<K>);

impl<K: Key + ?Sized> Quoted<K> {
    const TEXT: &'static Text = &Text::of::<K>();

    pub const NAME: &'static str = match core::str::from_utf8(Self::TEXT.bytes.split_at(Self::TEXT.length).0)
    {
        Ok(name) => name,
        Err(_) => panic!("names are valid UTF-8, and so are quotation marks"),
    };
}

#[cfg(test)]
mod tests {
    use crate::{Key, ReadWrite, Table, kind};

    enum Users {}
    enum Events {}
    enum Odd {}

    impl Key for Users {
        type Policies = (kind::System, ReadWrite);
        const TABLE_NAME: &'static str = "users";
    }

    impl Key for Events {
        type Policies = (kind::Evidence, ReadWrite);
        const TABLE_NAME: &'static str = "audit.events";
        const TABLE_SCHEMA: Option<&'static str> = Some("audit");
    }

    impl Key for Odd {
        type Policies = (kind::Evidence, ReadWrite);
        const TABLE_NAME: &'static str = "größe \"x\"; --";
        const DEFAULT_SCHEMA: &'static str = "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"";
    }

    #[test]
    fn names_cannot_become_sql() {
        assert_eq!(Users::SQL_NAME, "\"public\".\"users\"");
        assert_eq!(Events::SQL_NAME, "\"audit\".\"events\"");
        assert_eq!(
            Odd::SQL_NAME,
            format!("\"{}\".\"größe \"\"x\"\"; --\"", "\"".repeat(126))
        );
    }
}
