//! Characters to tokens.

use super::FilterError;

/// One token with the character at which it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) at: usize,
    /// True where no space stands between this token and the one before.
    pub(super) joined: bool,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Open,
    Close,
    Or,
    Not,
    /// `key`, operator, and the values with the character at which each begins.
    Field {
        key: String,
        op: Op,
        values: Vec<(usize, String)>,
    },
    Word(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Is,
    IsNot,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// Longest filter, in characters: a pasted log is a mistake, not a filter.
const MAX_CHARS: usize = 2_000;

pub(super) fn lex(text: &str) -> Result<Vec<Token>, FilterError> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > MAX_CHARS {
        return Err(FilterError {
            at: MAX_CHARS,
            message: format!("a filter has at most {MAX_CHARS} characters"),
        });
    }
    let mut lexer = Lexer { chars: &chars, at: 0 };
    let mut tokens = Vec::new();
    let mut end_of_last = None;
    loop {
        while lexer.peek().is_some_and(char::is_whitespace) {
            lexer.at += 1;
        }
        let at = lexer.at;
        let Some(char) = lexer.peek() else { return Ok(tokens) };
        let kind = match char {
            '(' => lexer.take(Kind::Open),
            ')' => lexer.take(Kind::Close),
            '|' => lexer.take(Kind::Or),
            '-' if lexer.chars.get(at + 1).is_some_and(|next| !next.is_whitespace()) => lexer.take(Kind::Not),
            _ => lexer.term()?,
        };
        tokens.push(Token {
            at,
            joined: end_of_last == Some(at),
            kind,
        });
        end_of_last = Some(lexer.at);
    }
}

struct Lexer<'a> {
    chars: &'a [char],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self, kind: Kind) -> Kind {
        self.at += 1;
        kind
    }

    /// A word, or a key with operator and values.
    fn term(&mut self) -> Result<Kind, FilterError> {
        let start = self.at;
        let mut key = String::new();
        while let Some(char) = self.peek().filter(|char| char.is_alphanumeric() || *char == '_') {
            key.push(char);
            self.at += 1;
        }
        if !key.is_empty()
            && let Some(op) = self.operator()
        {
            return self.values(key, op);
        }
        self.at = start;
        Ok(Kind::Word(self.text(&[])?))
    }

    fn operator(&mut self) -> Option<Op> {
        let next = self.chars.get(self.at + 1).copied();
        let (op, length) = match (self.peek()?, next) {
            ('>', Some('=')) => (Op::AtLeast, 2),
            ('<', Some('=')) => (Op::AtMost, 2),
            ('!', Some('=')) => (Op::IsNot, 2),
            ('>', _) => (Op::More, 1),
            ('<', _) => (Op::Less, 1),
            (':' | '=', _) => (Op::Is, 1),
            _ => return None,
        };
        self.at += length;
        Some(op)
    }

    fn values(&mut self, key: String, op: Op) -> Result<Kind, FilterError> {
        let mut values = Vec::new();
        loop {
            let at = self.at;
            let value = self.text(&[','])?;
            if value.is_empty() {
                return Err(FilterError {
                    at,
                    message: format!("`{key}` needs a value here"),
                });
            }
            values.push((at, value));
            if self.peek() != Some(',') {
                return Ok(Kind::Field { key, op, values });
            }
            self.at += 1;
        }
    }

    /// Reads to a space, bar or parenthesis (or one of `stops`); quotes hold those inside, `\` takes the next as it is.
    fn text(&mut self, stops: &[char]) -> Result<String, FilterError> {
        let mut out = String::new();
        let mut quote = None;
        while let Some(char) = self.peek() {
            match (quote, char) {
                (None, '"') => quote = Some(self.at),
                (Some(_), '"') => quote = None,
                (_, '\\') if self.chars.get(self.at + 1).is_some() => {
                    self.at += 1;
                    out.extend(self.peek());
                }
                (None, '|' | '(' | ')') => break,
                (None, space) if space.is_whitespace() => break,
                (None, other) if stops.contains(&other) => break,
                (_, other) => out.push(other),
            }
            self.at += 1;
        }
        match quote {
            Some(at) => Err(FilterError {
                at,
                message: "this quote is not closed: add `\"`".into(),
            }),
            None => Ok(out),
        }
    }
}
