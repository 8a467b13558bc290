//! `oslc.where`: comparisons joined by `and`.

use serde_json::{Map, Value};

use super::Refusal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

#[derive(Clone, Debug, PartialEq)]
struct Comparison {
    field: String,
    operator: Operator,
    values: Vec<String>,
}

impl Comparison {
    fn holds_for(&self, record: &Map<String, Value>) -> bool {
        let actual = match record.get(&self.field) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Null) | None => None,
            Some(other) => Some(other.to_string()),
        };
        let ordering = |wanted: &str| {
            let actual = actual.as_deref()?;
            match (actual.parse::<f64>(), wanted.parse::<f64>()) {
                (Ok(left), Ok(right)) => left.partial_cmp(&right),
                _ => Some(actual.cmp(wanted)),
            }
        };
        let equal = |wanted: &String| actual.as_deref().is_some_and(|actual| is_like(actual, wanted));
        let first = self.values.first();
        match self.operator {
            Operator::Equal => first.is_some_and(equal),
            Operator::NotEqual => first.is_some_and(|wanted| !equal(wanted)),
            Operator::In => self.values.iter().any(equal),
            Operator::Less => first.and_then(|wanted| ordering(wanted)).is_some_and(std::cmp::Ordering::is_lt),
            Operator::LessOrEqual => first.and_then(|wanted| ordering(wanted)).is_some_and(std::cmp::Ordering::is_le),
            Operator::Greater => first.and_then(|wanted| ordering(wanted)).is_some_and(std::cmp::Ordering::is_gt),
            Operator::GreaterOrEqual => first.and_then(|wanted| ordering(wanted)).is_some_and(std::cmp::Ordering::is_ge),
        }
    }
}

/// `%` stands for any run of characters.
fn is_like(actual: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('%');
    let Some(mut rest) = parts.next().and_then(|head| actual.strip_prefix(head)) else {
        return false;
    };
    let tail: Vec<&str> = parts.collect();
    let Some((last, middle)) = tail.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// A whole clause; none lets all pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Clause(Vec<Comparison>);

impl Clause {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let mut reader = Reader { rest: text.trim() };
        let mut comparisons = Vec::new();
        if reader.rest.is_empty() {
            return Ok(Self::default());
        }
        loop {
            comparisons.push(reader.comparison().ok_or_else(|| {
                Refusal::new(
                    400,
                    "BMXAA8750E",
                    format!("BMXAA8750E - The where clause cannot be read at: {}", reader.rest),
                )
            })?);
            reader.skip_space();
            if reader.rest.is_empty() {
                return Ok(Self(comparisons));
            }
            if reader.word("and").is_none() {
                let message = format!("BMXAA8750E - The where clause needs `and` at: {}", reader.rest);
                return Err(Refusal::new(400, "BMXAA8750E", message));
            }
        }
    }

    pub(crate) fn holds_for(&self, record: &Map<String, Value>) -> bool {
        self.0.iter().all(|comparison| comparison.holds_for(record))
    }

    /// The value that a field must equal, where the clause says one: what an index is good for.
    pub(crate) fn exact(&self, field: &str) -> Option<&str> {
        let found = self
            .0
            .iter()
            .find(|comparison| comparison.field == field && comparison.operator == Operator::Equal)?;
        found.values.first().map(String::as_str).filter(|value| !value.contains('%'))
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn token(&mut self, token: &str) -> Option<()> {
        self.skip_space();
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.skip_space();
        let head = self.rest.get(..word.len())?;
        let rest = self.rest.get(word.len()..)?;
        if !head.eq_ignore_ascii_case(word) || rest.starts_with(|char: char| char.is_alphanumeric() || char == '_') {
            return None;
        }
        self.rest = rest;
        Some(())
    }

    fn comparison(&mut self) -> Option<Comparison> {
        self.skip_space();
        let end = self
            .rest
            .find(|char: char| !char.is_ascii_alphanumeric() && !"_.:".contains(char))?;
        let (field, rest) = self.rest.split_at(end);
        let field = field.rsplit_once(':').map_or(field, |(_, name)| name).to_ascii_lowercase();
        if field.is_empty() {
            return None;
        }
        self.rest = rest;
        if self.word("in").is_some() {
            self.token("[")?;
            let mut values = vec![self.value()?];
            while self.token(",").is_some() {
                values.push(self.value()?);
            }
            self.token("]")?;
            return Some(Comparison {
                field,
                operator: Operator::In,
                values,
            });
        }
        let operators = [
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("=", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let operator = operators
            .into_iter()
            .find_map(|(token, operator)| self.token(token).map(|()| operator))?;
        Some(Comparison {
            field,
            operator,
            values: vec![self.value()?],
        })
    }

    /// A quoted text, with `\` before a quote or a backslash, or a bare number or truth value.
    fn value(&mut self) -> Option<String> {
        self.skip_space();
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let end = self
                .rest
                .find(|char: char| !char.is_ascii_alphanumeric() && !"+-.".contains(char))
                .unwrap_or(self.rest.len());
            let (bare, rest) = self.rest.split_at(end);
            let known = bare.parse::<f64>().is_ok() || bare == "true" || bare == "false";
            self.rest = rest;
            return known.then(|| bare.to_owned());
        };
        let mut text = String::new();
        let mut chars = quoted.char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.rest = quoted.get(at + 1..)?;
                    return Some(text);
                }
                '\\' => text.push(chars.next()?.1),
                _ => text.push(char),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(clause: &str) -> bool {
        let record =
            json!({"wonum": "1042", "assetnum": "PUMP-017", "siteid": "BEDFORD", "status": "WAPPR", "wopriority": 2, "lead": null});
        Clause::parse(clause).unwrap().holds_for(record.as_object().unwrap())
    }

    #[test]
    fn clauses_of_the_contract_hold_and_do_not_hold() {
        for (clause, wanted) in [
            ("", true),
            (
                r#"assetnum="PUMP-017" and siteid="BEDFORD" and status in ["WAPPR","APPR","INPRG"]"#,
                true,
            ),
            (r#"assetnum="PUMP-017" and status in ["COMP"]"#, false),
            (r#"assetnum="PUMP-01""#, false),
            (r#"assetnum="PUMP%""#, true),
            (r#"assetnum="%017""#, true),
            (r#"assetnum="P%-%7""#, true),
            (r#"assetnum="%18%""#, false),
            (r#"status!="COMP""#, true),
            (r#"status != "WAPPR""#, false),
            (r#"spi:status="WAPPR" AND spi:wopriority<=2"#, true),
            (r"wopriority>2", false),
            (r"wopriority=2", true),
            (r#"lead="x""#, false),
            (r#"lead!="x""#, true),
            (r#"description="a \" and b=\"c""#, false),
        ] {
            assert_eq!(holds(clause), wanted, "{clause}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_the_place() {
        for (clause, place) in [
            (r#"assetnum="PUMP-017" or siteid="X""#, "or siteid"),
            (r#"assetnum="PUMP"#, "\"PUMP"),
            ("assetnum", "assetnum"),
            (r#"status in ["A" "B"]"#, "\"B\"]"),
            ("status=WAPPR", ""),
            (r#"="x""#, "=\"x\""),
        ] {
            let refusal = Clause::parse(clause).unwrap_err();
            assert_eq!(refusal.status, 400);
            assert!(refusal.message.contains(place), "{clause}: {}", refusal.message);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_quoted_value_is_compared_as_it_is(value in "[^%\\\\\"]{0,30}", other in "[^%\\\\\"]{0,30}") {
            let clause = Clause::parse(&format!("assetnum=\"{value}\"")).unwrap();
            let record = |text: &str| json!({"assetnum": text}).as_object().cloned().unwrap();
            proptest::prop_assert!(clause.holds_for(&record(&value)));
            proptest::prop_assert_eq!(clause.holds_for(&record(&other)), value == other);
        }

        #[test]
        fn nothing_makes_the_parser_fail_otherwise_than_by_refusing(text in "\\PC{0,60}") {
            let _ = Clause::parse(&text);
        }
    }
}
