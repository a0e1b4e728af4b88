//! The rules of `cargo table-registry lint`: which there are, and what `[lints]` says about them.
//!
//! The rules themselves look at columns, which the macros never read, and so are part of the command
//! line. Their names are part of the policy file, where a typo is an error of the compiler, too.

use std::collections::BTreeMap;
use std::fmt;

use toml::de::DeValue;

use super::config::{Entry, Key, Reader, Value};
use super::diagnostic::{Code, Diagnostic, Severity};
use super::suggest::did_you_mean;

const ALLOW: &str = "allow";
const LEVEL: &str = "level";

/// What a finding of a rule means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LintLevel {
    /// Nothing: the rule is off.
    Allow,
    /// A warning.
    Warn,
    /// An error.
    Deny,
}

impl LintLevel {
    /// Every level.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Warn, Self::Deny];

    /// How a finding of the rule is reported, if it is.
    #[must_use]
    pub const fn severity(self) -> Option<Severity> {
        match self {
            Self::Allow => None,
            Self::Warn => Some(Severity::Warning),
            Self::Deny => Some(Severity::Error),
        }
    }

    /// The name in the policy file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for LintLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A rule about the schema, as far as the policy file knows it.
#[derive(Debug)]
pub struct LintRule {
    /// Its name.
    pub code: Code,
    /// Its level, unless the policy file says otherwise.
    pub level: LintLevel,
    /// What can be set besides the level.
    pub option: Option<LintOption>,
}

/// A setting of one rule.
#[derive(Debug)]
pub struct LintOption {
    /// Its key in the policy file.
    pub key: &'static str,
    /// Whether it is a list of strings, and not one string.
    pub is_list: bool,
    /// Its value, unless the policy file says otherwise.
    pub default: &'static [&'static str],
}

const fn plain(code: Code, level: LintLevel) -> LintRule {
    LintRule {
        code,
        level,
        option: None,
    }
}

/// Every rule, by name.
pub const LINT_RULES: [LintRule; 12] = [
    plain(Code::ColumnNotSnakeCase, LintLevel::Warn),
    LintRule {
        code: Code::FloatMoney,
        level: LintLevel::Deny,
        option: Some(LintOption {
            key: "words",
            is_list: true,
            default: &[
                "amount", "amt", "balance", "charge", "cost", "credit", "debit", "discount", "due", "fee",
                "fees", "paid", "payment", "price", "revenue", "salary", "subtotal", "tax", "total", "wage",
            ],
        }),
    },
    LintRule {
        code: Code::MissingRequiredColumn,
        level: LintLevel::Warn,
        option: Some(LintOption {
            key: "columns",
            is_list: true,
            default: &["id", "created_at"],
        }),
    },
    plain(Code::MissingRevoke, LintLevel::Warn),
    LintRule {
        code: Code::MissingTenantColumn,
        level: LintLevel::Deny,
        option: Some(LintOption {
            key: "column",
            is_list: false,
            default: &["org_id"],
        }),
    },
    LintRule {
        code: Code::MissingUpdatedAt,
        level: LintLevel::Warn,
        option: Some(LintOption {
            key: "column",
            is_list: false,
            default: &["updated_at"],
        }),
    },
    plain(Code::RedundantOverride, LintLevel::Warn),
    plain(Code::ReservedWord, LintLevel::Warn),
    plain(Code::TableInSeveralCrates, LintLevel::Deny),
    plain(Code::TableNotPluralSnakeCase, LintLevel::Warn),
    plain(Code::UnknownReference, LintLevel::Allow),
    plain(Code::UnusedAllow, LintLevel::Warn),
];

impl LintRule {
    /// The rule with this name. As in rustc, `-` and `_` are the same letter: attributes cannot
    /// hold a `-`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        let name = name.replace('_', "-");
        LINT_RULES.iter().find(|rule| rule.code.as_str() == name)
    }
}

/// The fault that no rule has this name, without its place. The way out is written with the
/// separator that can stand there.
#[must_use]
pub fn unknown_lint(name: &str, separator: &str) -> Diagnostic {
    let names = LINT_RULES
        .each_ref()
        .map(|rule| rule.code.as_str().replace('-', separator));
    let names = || names.iter().map(String::as_str);
    Diagnostic::new(Code::UnknownLint, format!("unknown lint `{name}`")).help(
        did_you_mean(&name.replace(['-', '_'], separator), names())
            .unwrap_or_else(|| format!("the lints are `{}`", names().collect::<Vec<_>>().join("`, `"))),
    )
}

/// What `[lints]` says.
#[derive(Clone, Debug, Default)]
pub struct Lints {
    /// `[lints.allow.RULE]`: the tables that a rule leaves alone.
    pub exceptions: Vec<Entry<Code>>,
    levels: BTreeMap<Code, LintLevel>,
    options: BTreeMap<Code, Vec<String>>,
}

impl Lints {
    /// The level of a rule: the written one, or the default.
    #[must_use]
    pub fn level(&self, rule: Code) -> LintLevel {
        let default = || default_of(rule).map_or(LintLevel::Allow, |rule| rule.level);
        self.levels.get(&rule).copied().unwrap_or_else(default)
    }

    /// The option of a rule: the written one, or the default.
    #[must_use]
    pub fn option(&self, rule: Code) -> Vec<String> {
        let option = default_of(rule).and_then(|rule| rule.option.as_ref());
        let default = option.into_iter().flat_map(|option| option.default);
        self.options
            .get(&rule)
            .cloned()
            .unwrap_or_else(|| default.map(|&word| word.to_string()).collect())
    }

    pub(super) fn read<'a>(reader: &mut Reader<'a>, key: &Key, value: Value<'a>) -> Self {
        let mut lints = Self::default();
        let mut seen = Vec::new();
        for (name, value) in reader.table(key, value) {
            if name.get_ref() == ALLOW {
                lints.read_exceptions(reader, &name, value);
            } else if let Some(rule) = known_rule(reader, &name) {
                if seen.contains(&rule.code) {
                    let message = format!("lint `{}` is set twice", rule.code);
                    let fault = Diagnostic::new(Code::RepeatedKey, message)
                        .note("`-` and `_` are the same letter in the name of a lint")
                        .help("keep one of them");
                    reader.fault(fault, name.span(), "");
                }
                seen.push(rule.code);
                lints.read_rule(reader, rule, &name, value);
            }
        }
        lints
    }

    fn read_exceptions<'a>(&mut self, reader: &mut Reader<'a>, key: &Key, value: Value<'a>) {
        for (name, value) in reader.table(key, value) {
            let Some(rule) = known_rule(reader, &name) else {
                continue;
            };
            self.exceptions.extend(reader.exceptions(&name, value, rule.code));
        }
    }

    /// `rule = "warn"`, or `rule = { level = "warn", option = … }`.
    fn read_rule<'a>(&mut self, reader: &mut Reader<'a>, rule: &LintRule, name: &Key, value: Value<'a>) {
        if !value.get_ref().is_table() {
            self.read_level(reader, rule, name, &value);
            return;
        }
        for (key, value) in reader.table(name, value) {
            match &rule.option {
                _ if key.get_ref() == LEVEL => self.read_level(reader, rule, &key, &value),
                Some(option) if key.get_ref() == option.key => {
                    let written = read_option(reader, option, &key, value);
                    self.options.extend(written.map(|words| (rule.code, words)));
                }
                option => {
                    let known = [Some(LEVEL), option.as_ref().map(|option| option.key)];
                    reader.unknown_key(&key, &known.into_iter().flatten().collect::<Vec<_>>());
                }
            }
        }
    }

    fn read_level<'a>(&mut self, reader: &mut Reader<'a>, rule: &LintRule, name: &Key, value: &Value<'a>) {
        let Some(text) = reader.string(name, value, rule.level.as_str()) else {
            return;
        };
        match LintLevel::ALL.into_iter().find(|level| level.as_str() == text) {
            Some(level) => _ = self.levels.insert(rule.code, level),
            None => reader.fault(unknown_level(text), value.span(), ""),
        }
    }
}

fn default_of(rule: Code) -> Option<&'static LintRule> {
    LINT_RULES.iter().find(|known| known.code == rule)
}

fn known_rule(reader: &mut Reader<'_>, name: &Key) -> Option<&'static LintRule> {
    let rule = LintRule::named(name.get_ref());
    if rule.is_none() {
        reader.fault(unknown_lint(name.get_ref(), "-"), name.span(), "");
    }
    rule
}

fn read_option<'a>(
    reader: &mut Reader<'a>,
    option: &LintOption,
    key: &Key,
    value: Value<'a>,
) -> Option<Vec<String>> {
    let example = option.default[0];
    if option.is_list {
        let is_list = matches!(value.get_ref(), DeValue::Array(_));
        let words = reader.strings(key, value, example);
        return is_list.then(|| words.into_iter().map(toml::Spanned::into_inner).collect());
    }
    let text = reader.string(key, &value, example)?;
    if text.is_empty() {
        let fault = Diagnostic::new(Code::EmptyName, format!("`{}` is empty", option.key))
            .help(format!("write a name: `{} = \"{example}\"`", option.key));
        reader.fault(fault, value.span(), "");
        return None;
    }
    Some(vec![text.to_string()])
}

fn unknown_level(text: &str) -> Diagnostic {
    let names = LintLevel::ALL.map(LintLevel::as_str);
    Diagnostic::new(Code::UnknownLevel, format!("unknown lint level `{text}`"))
        .note(format!("the levels are `{}`", names.join("`, `")))
        .maybe_help(did_you_mean(text, names))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::testing::codes;
    use crate::engine::{Policy, Source};

    fn read(text: &str) -> (Lints, Vec<Diagnostic>) {
        let (mut policy, mut faults) = (Policy::default(), Vec::new());
        policy.read_overrides(&Arc::new(Source::new("table-registry.toml", text)), &mut faults);
        (policy.lints, faults)
    }

    #[test]
    fn rules_are_sorted_and_found_in_both_spellings() {
        assert!(LINT_RULES.is_sorted_by_key(|rule| rule.code.as_str()));
        for name in ["float-money", "float_money"] {
            assert_eq!(LintRule::named(name).unwrap().code, Code::FloatMoney);
        }
        assert!(LintRule::named("unknown-kind").is_none());
    }

    #[test]
    fn levels_options_and_exceptions() {
        let (lints, faults) = read(
            "[lints]
             float_money = \"warn\"
             missing-tenant-column = { column = \"tenant_id\" }
             missing-required-column = { level = \"deny\", columns = [] }
             [lints.allow.missing-updated-at]
             invoices = \"rows are never changed\"",
        );
        assert_eq!(codes(&faults), [""; 0]);
        let of = |name| {
            let rule = LintRule::named(name).unwrap();
            (lints.level(rule.code), lints.option(rule.code))
        };
        assert_eq!(of("float-money").0, LintLevel::Warn);
        assert_eq!(
            of("missing-tenant-column"),
            (LintLevel::Deny, vec!["tenant_id".to_string()])
        );
        assert_eq!(of("missing-required-column"), (LintLevel::Deny, vec![]));
        assert_eq!(of("missing-updated-at").1, ["updated_at"]);
        let exceptions: Vec<_> = lints
            .exceptions
            .iter()
            .map(|exception| (exception.name.as_str(), exception.value))
            .collect();
        assert_eq!(exceptions, [("invoices", Code::MissingUpdatedAt)]);
    }

    #[test]
    fn every_fault_at_its_place() {
        let (_, faults) = read(
            "[lints]
             float-mony = \"warn\"
             float-money = \"denny\"
             reserved-word = true
             redundant-override = { column = \"x\" }
             missing-tenant-column = { column = [\"x\"], colum = \"x\" }
             missing-required-column = { columns = \"x\" }
             missing-updated-at = { column = \"\" }
             float_money = \"warn\"
             [lints.allow]
             missing-revoke = \"x\"
             missing-revok = {}
             [lints.allow.float-money]
             invoices = \" \"
             orders = 1",
        );
        let found: Vec<(String, &str)> = codes(&faults)
            .into_iter()
            .zip(faults.iter().map(|fault| {
                let label = &fault.labels[0];
                &label.source.text[label.range.clone()]
            }))
            .collect();
        let found: Vec<(&str, &str)> = found.iter().map(|(code, text)| (code.as_str(), *text)).collect();
        assert_eq!(
            found,
            [
                ("unknown-lint", "float-mony"),
                ("unknown-level", "\"denny\""),
                ("wrong-type", "true"),
                ("unknown-key", "column"),
                ("wrong-type", "[\"x\"]"),
                ("unknown-key", "colum"),
                ("wrong-type", "\"x\""),
                ("empty-name", "\"\""),
                ("repeated-key", "float_money"),
                ("wrong-type", "\"x\""),
                ("unknown-lint", "missing-revok"),
                ("allow-without-reason", "\" \""),
                ("wrong-type", "1"),
            ]
        );
    }
}
