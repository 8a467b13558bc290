//! Tokens to a tree.

use super::lex::{Kind, Token, lex};
use super::term::Term;
use super::{Asked, FilterError};
use crate::domain::Facts;

/// Deepest nesting of parentheses and minus signs.
const MAX_DEPTH: usize = 32;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Term(Term),
}

impl Node {
    pub(super) fn asks(&self, what: Asked) -> bool {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().any(|node| node.asks(what)),
            Self::Not(node) => node.asks(what),
            Self::Term(term) => term.asks(what),
        }
    }

    pub(super) fn matches(&self, facts: &dyn Facts) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.matches(facts)),
            Self::Any(nodes) => nodes.iter().any(|node| node.matches(facts)),
            Self::Not(node) => !node.matches(facts),
            Self::Term(term) => term.matches(facts),
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Node, FilterError> {
    let tokens = lex(text)?;
    let mut parser = Parser {
        tokens: &tokens,
        next: 0,
        end: text.chars().count(),
        depth: 0,
    };
    if tokens.is_empty() {
        return Ok(Node::All(Vec::new()));
    }
    let node = parser.either()?;
    match parser.peek() {
        None => Ok(node),
        Some(token) => Err(FilterError {
            at: token.at,
            message: "this `)` closes nothing: remove it".into(),
        }),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    next: usize,
    end: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next)
    }

    fn either(&mut self) -> Result<Node, FilterError> {
        let mut sides = vec![self.both()?];
        while let Some(Token { kind: Kind::Or, .. }) = self.peek() {
            self.next += 1;
            // `dev:A|B` is short for `dev:A | dev:B`: the word takes the key before the bar
            if let Some(short) = self.short_for()? {
                sides.push(short);
                if self.peek().is_some_and(|token| !matches!(token.kind, Kind::Or | Kind::Close)) {
                    // further terms narrow the whole, as `is:a|b dev:X` reads
                    let rest = self.both()?;
                    return Ok(Node::All(vec![Node::Any(sides), rest]));
                }
            } else {
                sides.push(self.both()?);
            }
        }
        Ok(if sides.len() == 1 { sides.remove(0) } else { Node::Any(sides) })
    }

    fn short_for(&mut self) -> Result<Option<Node>, FilterError> {
        let (Some(before), Some(bar), Some(word)) = (
            self.next.checked_sub(2).and_then(|index| self.tokens.get(index)),
            self.tokens.get(self.next - 1),
            self.peek(),
        ) else {
            return Ok(None);
        };
        let (Kind::Field { key, op, .. }, Kind::Word(value), true) = (&before.kind, &word.kind, bar.joined && word.joined) else {
            return Ok(None);
        };
        self.next += 1;
        Term::field(before.at, key, *op, &[(word.at, value.clone())]).map(|term| Some(Node::Term(term)))
    }

    fn both(&mut self) -> Result<Node, FilterError> {
        let mut nodes = Vec::new();
        while let Some(token) = self.peek() {
            if matches!(token.kind, Kind::Or | Kind::Close) {
                break;
            }
            nodes.push(self.one()?);
        }
        match nodes.len() {
            0 => Err(FilterError {
                at: self.peek().map_or(self.end, |token| token.at),
                message: "a word or a condition is missing here".into(),
            }),
            1 => Ok(nodes.remove(0)),
            _ => Ok(Node::All(nodes)),
        }
    }

    fn one(&mut self) -> Result<Node, FilterError> {
        let Some(token) = self.peek() else {
            return Err(FilterError {
                at: self.end,
                message: "a word or a condition is missing here".into(),
            });
        };
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(FilterError {
                at: token.at,
                message: format!("at most {MAX_DEPTH} parentheses or minus signs deep"),
            });
        }
        self.next += 1;
        let node = match &token.kind {
            Kind::Not => Node::Not(Box::new(self.one()?)),
            Kind::Open => {
                let inside = self.either()?;
                match self.peek() {
                    Some(Token { kind: Kind::Close, .. }) => self.next += 1,
                    _ => {
                        return Err(FilterError {
                            at: token.at,
                            message: "this `(` is not closed: add `)`".into(),
                        });
                    }
                }
                inside
            }
            Kind::Field { key, op, values } => Node::Term(Term::field(token.at, key, *op, values)?),
            Kind::Word(word) => Node::Term(Term::word(word)),
            Kind::Or | Kind::Close => {
                return Err(FilterError {
                    at: token.at,
                    message: "a word or a condition is missing here".into(),
                });
            }
        };
        self.depth -= 1;
        Ok(node)
    }
}
