//! One condition.

use std::cell::RefCell;

use jiff::SignedDuration;
use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::lex::Op;
use super::{Asked, FilterError};
use crate::domain::{Facts, Severity, Trait};

/// A loose match must score this much for each of its characters: the matcher gives 16 a character that
/// matches, more at a word's start, and takes 3 for the first and 1 for each further character of a gap. So
/// `bth` finds "Bearing temperature high" and a scatter over half the text finds nothing.
const SCORE_PER_CHAR: u16 = 14;

thread_local! {
    static MATCHER: RefCell<Matcher> = RefCell::new(Matcher::new(Config::DEFAULT));
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    Word { lower: String, atom: Atom, least_score: u16 },
    Severity { op: Op, any: Vec<Severity> },
    Text { field: Field, not: bool, any: Vec<Glob> },
    Age { op: Op, than: SignedDuration },
    Order { not: bool, any: Vec<Order> },
    Is { not: bool, any: Vec<Trait> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    State,
    Device,
    Type,
    Location,
    Name,
    Metric,
    By,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Order {
    None,
    Any,
    Number(Glob),
}

/// Every key with its other spellings, what it means and what it takes: for errors and completion.
pub(super) const KEYS: [(&str, &[&str], &str); 11] = [
    ("sev", &["severity"], "severity: critical, high, medium, low; also >= and <"),
    ("state", &["status"], "new, ack, resolved; of devices online, offline"),
    ("dev", &["device"], "device id; * stands for any text"),
    ("type", &[], "device type"),
    ("loc", &["location"], "location of the device"),
    ("alert", &["name"], "name of the alert"),
    ("metric", &[], "metric that crossed its limit"),
    ("by", &[], "who acknowledged or resolved it"),
    ("age", &[], "time since it was raised: age>1h, age<=30m"),
    ("wo", &["order"], "work order: none, any, or its number"),
    ("is", &[], "chattering, fleeting, stale, shelved, mine, unack, pending"),
];

fn known(key: &str) -> Option<&'static str> {
    let key = key.to_lowercase();
    KEYS.iter()
        .find(|(name, other, _)| *name == key || other.contains(&key.as_str()))
        .map(|(name, ..)| *name)
}

impl Term {
    pub(super) fn word(word: &str) -> Self {
        let atom = Atom::new(word, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy, false);
        let length = u16::try_from(word.chars().count()).unwrap_or(u16::MAX);
        Self::Word {
            lower: word.to_lowercase(),
            atom,
            least_score: SCORE_PER_CHAR.saturating_mul(length),
        }
    }

    pub(super) fn field(at: usize, key: &str, op: Op, values: &[(usize, String)]) -> Result<Self, FilterError> {
        let Some(name) = known(key) else {
            let keys: Vec<_> = KEYS.iter().map(|(name, ..)| *name).collect();
            return Err(FilterError {
                at,
                message: format!("`{key}` is no condition: there are {}", keys.join(", ")),
            });
        };
        let equality = || match op {
            Op::Is => Ok(false),
            Op::IsNot => Ok(true),
            Op::Less | Op::AtMost | Op::More | Op::AtLeast => Err(FilterError {
                at,
                message: format!("`{name}` has no order: write `{name}:` or `{name}!=`"),
            }),
        };
        let text = |field| {
            Ok(Self::Text {
                field,
                not: equality()?,
                any: values.iter().map(|(_, value)| Glob::new(value)).collect(),
            })
        };
        match name {
            "sev" => Ok(Self::Severity {
                op,
                any: values
                    .iter()
                    .map(|(at, value)| severity(*at, value, op))
                    .collect::<Result<_, _>>()?,
            }),
            "state" => {
                let any = values
                    .iter()
                    .map(|(at, value)| Ok(Glob::new(state_word(*at, value)?)))
                    .collect::<Result<_, _>>()?;
                Ok(Self::Text {
                    field: Field::State,
                    not: equality()?,
                    any,
                })
            }
            "dev" => text(Field::Device),
            "type" => text(Field::Type),
            "loc" => text(Field::Location),
            "alert" => text(Field::Name),
            "metric" => text(Field::Metric),
            "by" => text(Field::By),
            "age" => match values {
                [(at, value)] if !matches!(op, Op::Is | Op::IsNot) => Ok(Self::Age {
                    op,
                    than: duration(*at, value)?,
                }),
                _ => Err(FilterError {
                    at,
                    message: "`age` is compared with one duration: age>1h, age<=30m".into(),
                }),
            },
            "wo" => Ok(Self::Order {
                not: equality()?,
                any: values
                    .iter()
                    .map(|(_, value)| match value.to_lowercase().as_str() {
                        "none" | "no" => Order::None,
                        "any" | "yes" => Order::Any,
                        _ => Order::Number(Glob::new(value)),
                    })
                    .collect(),
            }),
            _ => Ok(Self::Is {
                not: equality()?,
                any: values.iter().map(|(at, value)| trait_word(*at, value)).collect::<Result<_, _>>()?,
            }),
        }
    }

    pub(super) fn asks(&self, what: Asked) -> bool {
        match (self, what) {
            (Self::Text { field, .. }, Asked::Location) => *field == Field::Location,
            (Self::Order { .. }, Asked::Order) => true,
            (Self::Is { any, .. }, Asked::Is(wanted)) => any.contains(&wanted),
            _ => false,
        }
    }

    pub(super) fn matches(&self, facts: &dyn Facts) -> bool {
        match self {
            Self::Word { lower, atom, least_score } => {
                facts
                    .names()
                    .into_iter()
                    .any(|name| loosely(atom, name).is_some_and(|score| score >= *least_score))
                    || facts.message().to_lowercase().contains(lower)
            }
            Self::Severity { op, any } => facts.severity().is_some_and(|has| match op {
                Op::Is => any.iter().any(|wanted| same_severity(has, wanted)),
                Op::IsNot => !any.iter().any(|wanted| same_severity(has, wanted)),
                // rank 0 is the worst, so "at least high" is a rank of at most high's
                Op::AtLeast => any.iter().any(|wanted| has.rank() <= wanted.rank()),
                Op::More => any.iter().any(|wanted| has.rank() < wanted.rank()),
                Op::AtMost => any.iter().any(|wanted| has.rank() >= wanted.rank()),
                Op::Less => any.iter().any(|wanted| has.rank() > wanted.rank()),
            }),
            Self::Text { field, not, any } => {
                let has = match field {
                    Field::State => facts.state(),
                    Field::Device => Some(facts.device()),
                    Field::Type => facts.device_type(),
                    Field::Location => facts.location(),
                    Field::Name => facts.names().last().copied(),
                    Field::Metric => facts.metric(),
                    Field::By => facts.by(),
                };
                has.is_some_and(|has| any.iter().any(|glob| glob.matches(has))) != *not
            }
            Self::Age { op, than } => facts.age().is_some_and(|age| match op {
                Op::Less => age < *than,
                Op::AtMost => age <= *than,
                Op::More => age > *than,
                Op::AtLeast | Op::Is | Op::IsNot => age >= *than,
            }),
            Self::Order { not, any } => {
                let has = facts.order();
                any.iter().any(|wanted| match wanted {
                    Order::None => has.is_none(),
                    Order::Any => has.is_some(),
                    Order::Number(glob) => has.is_some_and(|number| glob.matches(number)),
                }) != *not
            }
            Self::Is { not, any } => any.iter().any(|wanted| facts.is(*wanted)) != *not,
        }
    }
}

fn loosely(atom: &Atom, text: &str) -> Option<u16> {
    let mut buffer = Vec::new();
    MATCHER.with_borrow_mut(|matcher| atom.score(Utf32Str::new(text, &mut buffer), matcher))
}

fn same_severity(has: &Severity, wanted: &Severity) -> bool {
    match (has, wanted) {
        (Severity::Other(has), Severity::Other(wanted)) => has.raw().eq_ignore_ascii_case(wanted.raw()),
        _ => has == wanted,
    }
}

/// `crit` is enough for `critical`; a word that the contract does not name is a site's own, which has no order.
fn severity(at: usize, value: &str, op: Op) -> Result<Severity, FilterError> {
    let lower = value.to_lowercase();
    let named = Severity::NAMED.into_iter().find(|severity| severity.shown().starts_with(&lower));
    match (named, op) {
        (Some(severity), _) => Ok(severity),
        (None, Op::Is | Op::IsNot) => Ok(Severity::parse(value)),
        (None, _) => Err(FilterError {
            at,
            message: format!("`{value}` has no rank: compare with critical, high, medium or low"),
        }),
    }
}

/// The word for a state; one that is none of ours is a slip, unless its `*` says that the server's own is meant.
fn state_word(at: usize, value: &str) -> Result<&str, FilterError> {
    match value.to_lowercase().as_str() {
        "ack" | "acked" => Ok("acknowledged"),
        "unack" => Ok("new"),
        "res" | "done" => Ok("resolved"),
        "new" | "acknowledged" | "resolved" | "online" | "offline" => Ok(value),
        other if other.contains('*') => Ok(value),
        _ => Err(FilterError {
            at,
            message: format!("`{value}` is no state: there are new, ack, resolved, online and offline; another one is written with a `*`"),
        }),
    }
}

fn trait_word(at: usize, value: &str) -> Result<Trait, FilterError> {
    let lower = value.to_lowercase();
    Trait::WORDS
        .into_iter()
        .find(|(word, _)| *word == lower)
        .map(|(_, found)| found)
        .ok_or_else(|| {
            let words: Vec<_> = Trait::WORDS.into_iter().map(|(word, _)| word).collect();
            FilterError {
                at,
                message: format!("`{value}` is nothing that a row can be: there are {}", words.join(", ")),
            }
        })
}

/// `90s`, `30m`, `1h`, `2d`, `1h30m`.
fn duration(at: usize, value: &str) -> Result<SignedDuration, FilterError> {
    let wrong = || FilterError {
        at,
        message: format!("`{value}` is no duration: write 90s, 30m, 1h, 2d or 1h30m"),
    };
    let mut seconds: i64 = 0;
    let mut number: Option<i64> = None;
    for char in value.chars() {
        if let Some(digit) = char.to_digit(10) {
            number = number
                .unwrap_or(0)
                .checked_mul(10)
                .and_then(|so_far| so_far.checked_add(i64::from(digit)));
            number.ok_or_else(wrong)?;
        } else {
            let unit = match char {
                's' => 1,
                'm' => 60,
                'h' => 3_600,
                'd' => 86_400,
                'w' => 604_800,
                _ => return Err(wrong()),
            };
            let part = number.take().and_then(|number| number.checked_mul(unit)).ok_or_else(wrong)?;
            seconds = seconds.checked_add(part).ok_or_else(wrong)?;
        }
    }
    if number.is_some() || value.is_empty() {
        return Err(wrong());
    }
    Ok(SignedDuration::from_secs(seconds))
}

/// A text with `*` for any run of characters; case does not matter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Glob(Vec<String>);

impl Glob {
    fn new(pattern: &str) -> Self {
        Self(pattern.to_lowercase().split('*').map(str::to_owned).collect())
    }

    fn matches(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let [first, middle @ .., last] = self.0.as_slice() else {
            return self.0.first().is_some_and(|whole| *whole == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else {
            return false;
        };
        for part in middle {
            let Some(found) = rest.find(part.as_str()) else { return false };
            rest = rest.get(found + part.len()..).unwrap_or_default();
        }
        rest.ends_with(last.as_str())
    }
}
