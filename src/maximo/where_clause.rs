//! `oslc.where` from typed parts. Values pass an allow-list, so that none can end its quotes or become a pattern.

/// A condition list joined by `and`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Where(Vec<String>);

/// A value that has no place in a condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` holds {found}, which cannot be looked up in Manage")]
pub struct WhereError {
    field: &'static str,
    found: String,
}

impl Where {
    pub(super) fn equals(mut self, field: &'static str, value: &str) -> Result<Self, WhereError> {
        self.0.push(format!("{field}={}", quoted(field, value)?));
        Ok(self)
    }

    pub(super) fn differs(mut self, field: &'static str, value: &str) -> Result<Self, WhereError> {
        self.0.push(format!("{field}!={}", quoted(field, value)?));
        Ok(self)
    }

    pub(super) fn any_of<'a>(mut self, field: &'static str, values: impl IntoIterator<Item = &'a str>) -> Result<Self, WhereError> {
        let values = values
            .into_iter()
            .map(|value| quoted(field, value))
            .collect::<Result<Vec<_>, _>>()?;
        self.0.push(format!("{field} in [{}]", values.join(",")));
        Ok(self)
    }

    pub(super) fn text(&self) -> String {
        self.0.join(" and ")
    }
}

/// Letters, digits and the signs that asset and order numbers use. `%` would make a pattern of the value, quotes
/// and backslashes would end or bend it, `*` is a pattern on some servers.
fn quoted(field: &'static str, value: &str) -> Result<String, WhereError> {
    let wrong = |found: String| WhereError { field, found };
    if value.is_empty() {
        return Err(wrong("nothing".into()));
    }
    if value.chars().count() > 100 {
        return Err(wrong("more than 100 characters".into()));
    }
    match value
        .chars()
        .find(|char| !(char.is_alphanumeric() || " -_./:#+@()&,".contains(*char)))
    {
        Some(char) => Err(wrong(format!("`{}`", char.escape_default()))),
        None => Ok(format!("\"{value}\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_are_joined_and_hostile_values_refused() {
        let clause = Where::default()
            .equals("assetnum", "PUMP-017")
            .unwrap()
            .any_of("status", ["WAPPR", "APPR"])
            .unwrap();
        assert_eq!(clause.text(), r#"assetnum="PUMP-017" and status in ["WAPPR","APPR"]"#);
        for hostile in ["a\" or 1=1 or \"", "a%", "a\\", "a*", "a\n", "", "a\u{202e}", "a]", "'"] {
            assert!(Where::default().equals("assetnum", hostile).is_err(), "{hostile:?}");
        }
    }

    proptest! {
        #[test]
        fn a_value_stays_inside_its_quotes(value in "\\PC{0,40}") {
            if let Ok(clause) = Where::default().equals("assetnum", &value) {
                let inside = clause.text();
                let inside = inside.strip_prefix("assetnum=\"").unwrap().strip_suffix('"').unwrap();
                prop_assert!(!inside.contains(['"', '\\', '%', '*']));
            }
        }
    }
}
