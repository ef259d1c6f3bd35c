//! The form of an input: `statistic(argument, …).gate(…)`. Read as a tree, never run.

use citywarden_problems::half_width;

use crate::expression::Mistake;

/// A statistic and its gates, in the order written; each is a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chain {
    pub(super) statistic: Call,
    pub(super) gates: Vec<Call>,
}

/// `name(argument, …)`, and the byte of the text at which it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) arguments: Vec<Argument>,
}

/// An argument and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Argument {
    pub(super) at: usize,
    pub(super) what: What,
}

/// What an argument is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// `sound_level`, `washed.seconds`, `!chime`.
    Word { word: String, field: Option<String>, negated: bool },
    /// `"20s"`.
    Text(String),
    /// `0.0`, as written.
    Number(String),
    /// Another statistic.
    Chain(Box<Chain>),
}

/// How deep inputs stand in each other's `or`.
const DEPTH_MAX: usize = 8;

/// Reads an input.
pub(super) fn parse(text: &str) -> Result<Chain, Mistake> {
    let mut parsing = Parsing { text, at: 0 };
    let chain = parsing.chain(0)?;
    match parsing.peek() {
        None => Ok(chain),
        Some(_) => Err(parsing.unexpected("the end, or `.` and a gate")),
    }
}

struct Parsing<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parsing<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        self.rest().chars().next()
    }
    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }
    fn expect(&mut self, wanted: char, why: &str) -> Result<(), Mistake> {
        if self.take(wanted) { Ok(()) } else { Err(self.unexpected(why)) }
    }
    fn unexpected(&mut self, wanted: &str) -> Mistake {
        let message = match self.peek() {
            None => format!("the input ends too early; expected {wanted}"),
            Some(found) => match half_width(found) {
                Some(half) => format!("full-width `{found}`; write `{half}`"),
                None => format!("unexpected `{found}`; expected {wanted}"),
            },
        };
        Mistake::new(self.at, message)
    }
    fn chain(&mut self, depth: usize) -> Result<Chain, Mistake> {
        let statistic = self.call("a statistic such as mean(pm10, \"15m\")", depth)?;
        let mut gates = Vec::new();
        while self.take('.') {
            gates.push(self.call("a gate such as only_while(chime)", depth)?);
        }
        Ok(Chain { statistic, gates })
    }
    fn call(&mut self, wanted: &str, depth: usize) -> Result<Call, Mistake> {
        if depth > DEPTH_MAX {
            return Err(Mistake::new(self.at, "too many inputs stand in each other"));
        }
        let (at, name) = self.word(wanted)?;
        self.expect('(', "`(`")?;
        let arguments = self.arguments(depth)?;
        Ok(Call { at, name, arguments })
    }
    /// Up to and with the closing bracket.
    fn arguments(&mut self, depth: usize) -> Result<Vec<Argument>, Mistake> {
        let mut arguments = Vec::new();
        if self.take(')') {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.argument(depth)?);
            if self.take(')') {
                return Ok(arguments);
            }
            self.expect(',', "`,` or `)`")?;
        }
    }
    fn argument(&mut self, depth: usize) -> Result<Argument, Mistake> {
        let first = self.peek();
        let at = self.at;
        let what = match first {
            Some('"') => What::Text(self.quoted()?),
            Some(digit) if digit == '-' || digit.is_ascii_digit() => What::Number(self.number()),
            _ => self.word_or_call(depth)?,
        };
        Ok(Argument { at, what })
    }
    fn word_or_call(&mut self, depth: usize) -> Result<What, Mistake> {
        let negated = self.take('!');
        let start = self.at;
        let (_, word) = self.word("a name, a text in quotes or a number")?;
        if !negated && self.peek() == Some('(') {
            self.at = start;
            return Ok(What::Chain(Box::new(self.chain(depth + 1)?)));
        }
        let field = if self.take('.') { Some(self.word("a field of the event")?.1) } else { None };
        Ok(What::Word { word, field, negated })
    }
    fn word(&mut self, wanted: &str) -> Result<(usize, String), Mistake> {
        self.peek();
        let (at, rest) = (self.at, self.rest());
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        if !word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
            return Err(self.unexpected(wanted));
        }
        self.at += end;
        Ok((at, word.to_owned()))
    }
    fn quoted(&mut self) -> Result<String, Mistake> {
        let start = self.at;
        let inside = self.rest().get(1..).unwrap_or_default();
        let Some(end) = inside.find('"') else {
            return Err(Mistake::new(start, "the quote is not closed"));
        };
        self.at += end + 2;
        Ok(inside.get(..end).unwrap_or_default().to_owned())
    }
    fn number(&mut self) -> String {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default().to_owned()
    }
}
