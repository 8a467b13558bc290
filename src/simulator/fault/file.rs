//! The rule file.
//!
//! ```toml
//! [[fault]]
//! operation = ["acknowledgeAlert", "createWorkOrder"]   # or one name; absent: every call
//! # method = "PUT"   path = "/api/v1/alerts"            # a part of path and query
//! # nth = 3   every = 3   probability = 0.2   times = 10
//! # latency_ms = 500
//! action = "drop"            # delay drop status truncate replace stall endless gzip-bomb expire-tokens redirect
//! when = "after"             # the effect's commit; default "before"
//! # status = 503   retry_after = "120"                  # status, replace, redirect
//! # at = 17   cut = true                                # truncate, stall
//! # body = "<html>login</html>"   body_hex = "ff00"   content_type = "text/html"
//! # bytes = 1000000000                                  # gzip-bomb
//! # to = "https://other.example/"                       # redirect
//! ```

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use super::{FaultAction, FaultRule, When};
use crate::simulator::Operation;

/// What is wrong with a rule file, and where.
#[derive(Debug, Error)]
#[error("{}:{line}: {problem}", file.display())]
pub struct FaultFileError {
    /// The file.
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    /// One sentence.
    pub problem: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fault: Vec<Spanned<Raw>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    operation: Option<Names>,
    method: Option<String>,
    path: Option<String>,
    nth: Option<u64>,
    every: Option<u64>,
    probability: Option<f64>,
    times: Option<u64>,
    #[serde(default)]
    latency_ms: u64,
    action: Option<String>,
    when: Option<String>,
    status: Option<u16>,
    retry_after: Option<String>,
    at: Option<usize>,
    cut: Option<bool>,
    body: Option<String>,
    body_hex: Option<String>,
    content_type: Option<String>,
    bytes: Option<u64>,
    to: Option<String>,
}

/// Reads a rule file.
pub fn read_faults(path: &Path) -> Result<Vec<FaultRule>, FaultFileError> {
    let text = std::fs::read_to_string(path).map_err(|error| FaultFileError {
        file: path.to_owned(),
        line: 1,
        problem: format!("cannot be read: {error}"),
    })?;
    parse_faults(path, &text)
}

/// Parses a rule file's text; `file` is for messages only.
pub fn parse_faults(file: &Path, text: &str) -> Result<Vec<FaultRule>, FaultFileError> {
    let line_of = |offset: usize| text.get(..offset).map_or(1, |before| before.matches('\n').count() + 1);
    let failed = |line, problem| FaultFileError {
        file: file.to_owned(),
        line,
        problem,
    };
    let parsed: File =
        toml::from_str(text).map_err(|error| failed(error.span().map_or(1, |span| line_of(span.start)), error.message().to_owned()))?;
    parsed
        .fault
        .into_iter()
        .map(|raw| {
            let line = line_of(raw.span().start);
            rule(raw.get_ref()).map_err(|problem| failed(line, problem))
        })
        .collect()
}

fn rule(raw: &Raw) -> Result<FaultRule, String> {
    let names = match &raw.operation {
        None => Vec::new(),
        Some(Names::One(name)) => vec![name.clone()],
        Some(Names::Many(names)) => names.clone(),
    };
    let operations = names
        .iter()
        .map(|name| {
            Operation::named(name).ok_or_else(|| {
                let known: Vec<_> = Operation::ALL.iter().map(|operation| operation.name()).collect();
                format!("there is no operation {name:?}: take one of {}", known.join(", "))
            })
        })
        .collect::<Result<_, _>>()?;
    if raw.probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
        return Err("probability goes from 0 to 1".into());
    }
    if raw.nth == Some(0) || raw.every == Some(0) {
        return Err("nth and every count from 1".into());
    }
    Ok(FaultRule {
        operations,
        method: raw.method.clone(),
        path: raw.path.clone(),
        nth: raw.nth,
        every: raw.every,
        probability: raw.probability,
        times: raw.times,
        latency: Duration::from_millis(raw.latency_ms),
        action: action(raw)?,
    })
}

fn action(raw: &Raw) -> Result<FaultAction, String> {
    let word = raw.action.as_deref().unwrap_or("delay");
    let takes: &[&str] = match word {
        "drop" => &["when"],
        "status" => &["when", "status", "retry_after"],
        "truncate" => &["at", "cut"],
        "replace" => &["when", "status", "body", "body_hex", "content_type"],
        "stall" => &["at"],
        "gzip-bomb" => &["bytes"],
        "redirect" => &["when", "status", "to"],
        "delay" | "endless" | "expire-tokens" => &[],
        _ => {
            return Err(format!(
                "there is no action {word:?}: take delay, drop, status, truncate, replace, stall, endless, gzip-bomb, expire-tokens or redirect"
            ));
        }
    };
    let given = [
        ("when", raw.when.is_some()),
        ("status", raw.status.is_some()),
        ("retry_after", raw.retry_after.is_some()),
        ("at", raw.at.is_some()),
        ("cut", raw.cut.is_some()),
        ("body", raw.body.is_some()),
        ("body_hex", raw.body_hex.is_some()),
        ("content_type", raw.content_type.is_some()),
        ("bytes", raw.bytes.is_some()),
        ("to", raw.to.is_some()),
    ];
    if let Some((key, _)) = given.iter().find(|(key, is_given)| *is_given && !takes.contains(key)) {
        return Err(format!("{key} means nothing to the action {word:?}"));
    }
    if raw
        .retry_after
        .as_deref()
        .is_some_and(|value| axum::http::HeaderValue::from_str(value).is_err())
    {
        return Err("retry_after cannot stand in a header".into());
    }
    let when = match raw.when.as_deref() {
        None | Some("before") => When::Before,
        Some("after") => When::After,
        Some(other) => return Err(format!("when is \"before\" or \"after\", not {other:?}")),
    };
    let status = |default: Option<u16>, allowed: std::ops::RangeInclusive<u16>| match raw.status.or(default) {
        Some(status) if allowed.contains(&status) => Ok(status),
        Some(status) => Err(format!("status {status} is not from {} to {}", allowed.start(), allowed.end())),
        None => Err(format!("the action {word:?} needs a status")),
    };
    Ok(match word {
        "drop" => FaultAction::Drop(when),
        "status" => FaultAction::Status {
            status: status(None, 400..=599)?,
            retry_after: raw.retry_after.clone(),
            when,
        },
        "truncate" => FaultAction::Truncate {
            at: raw.at.unwrap_or_default(),
            cut: raw.cut.unwrap_or_default(),
        },
        "replace" => FaultAction::Replace {
            status: status(Some(200), 200..=599)?,
            content_type: raw.content_type.clone().unwrap_or_else(|| "text/html".into()),
            body: body(raw)?,
            when,
        },
        "stall" => FaultAction::Stall {
            at: raw.at.unwrap_or_default(),
        },
        "endless" => FaultAction::Endless,
        "gzip-bomb" => FaultAction::GzipBomb {
            bytes: raw.bytes.unwrap_or(1 << 30),
        },
        "expire-tokens" => FaultAction::ExpireTokens,
        "redirect" => FaultAction::Redirect {
            status: status(Some(302), 300..=399)?,
            to: raw.to.clone().ok_or("the action \"redirect\" needs `to`, a URL")?,
            when,
        },
        _ => FaultAction::Delay,
    })
}

fn body(raw: &Raw) -> Result<Vec<u8>, String> {
    match (&raw.body, &raw.body_hex) {
        (Some(_), Some(_)) => Err("give body or body_hex, not both".into()),
        (Some(text), None) => Ok(text.clone().into_bytes()),
        (None, None) => Ok(Vec::new()),
        (None, Some(digits)) => (0..digits.len())
            .step_by(2)
            .map(|at| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect::<Option<_>>()
            .ok_or_else(|| "body_hex is not pairs of hexadecimal digits".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<FaultRule>, String> {
        parse_faults(Path::new("faults.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_rule_is_read_with_its_conditions() {
        let rules = parse("[[fault]]\noperation = [\"acknowledgeAlert\"]\nevery = 3\naction = \"drop\"\nwhen = \"after\"\n").unwrap();
        assert_eq!(
            rules,
            [FaultRule::on([Operation::AcknowledgeAlert], FaultAction::Drop(When::After)).every(3)]
        );
        let rules = parse("[[fault]]\naction=\"replace\"\nbody_hex=\"ff00\"\n").unwrap();
        assert!(matches!(&rules[0].action, FaultAction::Replace { body, status: 200, .. } if body == &[0xff, 0]));
    }

    #[test]
    fn what_it_does_not_know_is_refused_with_its_line() {
        for (text, wanted) in [
            ("\n[[fault]]\nevry = 3\n", "faults.toml:3: unknown field `evry`"),
            ("[[faults]]\n", "faults.toml:1: unknown field `faults`"),
            (
                "[[fault]]\n\n[[fault]]\noperation = \"ackAlert\"\n",
                "faults.toml:3: there is no operation \"ackAlert\"",
            ),
            ("[[fault]]\naction = \"explode\"\n", "faults.toml:1: there is no action"),
            ("[[fault]]\naction = \"drop\"\nat = 3\n", "faults.toml:1: at means nothing"),
            ("[[fault]]\naction = \"status\"\n", "needs a status"),
            ("[[fault]]\naction = \"status\"\nstatus = 200\n", "is not from 400"),
            ("[[fault]]\nprobability = 1.5\n", "probability goes from 0 to 1"),
            ("[[fault]]\naction=\"replace\"\nbody_hex=\"f\"\n", "body_hex"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.contains(wanted), "{text:?} gave {problem:?}");
        }
    }
}
