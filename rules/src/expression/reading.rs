//! rhai's syntax tree, read into our own. The only place that knows rhai's `internals`.

use citywarden_problems::half_width;
use rhai::{Expr, FlowControl, FnCallExpr, LexError, ParseError, ParseErrorType, Position, Stmt};

use super::mistake::Mistake;
use super::tree::{Arithmetic, Connective, Local, Node, What};
use super::{Comparison, suggestion};

const COMPARES: &str = "`=` gives a value; to compare, write `==`";

/// Reads a parsed text. What the language has no place for is noted and becomes [`What::Refused`].
pub(crate) fn read(text: &str, statements: &[Stmt], mistakes: &mut Vec<Mistake>) -> Node {
    Reading { text, mistakes }.block(statements, 0)
}

/// A `=` that is neither part of a comparison nor of a `let`: rhai would report whatever it leads to further on.
pub(crate) fn lone_equals(text: &str) -> Option<Mistake> {
    let is_lone = |at: &usize| {
        let (before, after) = text.split_at(*at);
        let is_sign =
            before.ends_with(['=', '!', '<', '>', '+', '-', '*', '/', '%']) || after.starts_with("==");
        !is_sign && !ends_with_let(before)
    };
    let mut places = text.match_indices('=').map(|(at, _)| at);
    places.find(is_lone).map(|at| Mistake::new(at, COMPARES))
}

/// Whether the text ends in `let name`.
fn ends_with_let(text: &str) -> bool {
    let without_name = text.trim_end().trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
    without_name.trim_end().ends_with("let")
}

/// What rhai says of a text it cannot parse, in the words of a rule's author.
pub(crate) fn parse_mistake(text: &str, error: &ParseError) -> Mistake {
    Mistake::new(byte_of(text, error.position()), parse_message(error.err_type()))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "rhai's words are good enough for the rest")]
fn parse_message(error: &ParseErrorType) -> String {
    match error {
        ParseErrorType::BadInput(LexError::UnexpectedInput(found)) => unexpected(found),
        ParseErrorType::BadInput(LexError::ImproperSymbol(word, _)) | ParseErrorType::Reserved(word) => {
            format!("`{word}` is not part of the rule language")
        }
        ParseErrorType::UnexpectedEOF => "the expression ends too early".to_owned(),
        ParseErrorType::ExprTooDeep => "nested too deeply; split it by a `let`".to_owned(),
        other => lower_first(&other.to_string()),
    }
}

fn unexpected(found: &str) -> String {
    let first = found.chars().next().unwrap_or(' ');
    match half_width(first) {
        Some(half) => format!("full-width `{first}`; write `{half}`"),
        None => format!("unexpected `{found}`"),
    }
}

fn lower_first(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

/// The byte of the text at a position; its end where rhai gives none.
fn byte_of(text: &str, position: Position) -> usize {
    let Some(line) = position.line() else { return text.trim_end().len() };
    let start = match line {
        1 => 0,
        line => text.match_indices('\n').nth(line - 2).map_or(text.len(), |(newline, _)| newline + 1),
    };
    let column = position.position().unwrap_or(1);
    let rest = text.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column - 1).map_or(rest.len(), |(byte, _)| byte)
}

struct Reading<'a> {
    text: &'a str,
    mistakes: &'a mut Vec<Mistake>,
}

impl Reading<'_> {
    fn at(&self, position: Position) -> usize {
        byte_of(self.text, position)
    }
    fn refuse(&mut self, at: usize, message: impl Into<String>) -> Node {
        self.mistakes.push(Mistake::new(at, message));
        Node { at, what: What::Refused }
    }
    fn block(&mut self, statements: &[Stmt], at: usize) -> Node {
        let Some((last, before)) = statements.split_last() else {
            return self.refuse(at, "an expression is missing");
        };
        let mut locals = Vec::new();
        for statement in before {
            locals.extend(self.local(statement));
        }
        let value = self.statement(last);
        if locals.is_empty() {
            return value;
        }
        Node { at, what: What::Block(locals, Box::new(value)) }
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "everything else is refused")]
    fn local(&mut self, statement: &Stmt) -> Option<Local> {
        let at = self.at(statement.position());
        match statement {
            Stmt::Var(parts, ..) => {
                let (name, value) = (parts.0.name.to_string(), self.expression(&parts.1));
                Some(Local { name, at: self.at(parts.0.pos), value })
            }
            Stmt::Noop(_) => None,
            other => {
                self.odd_statement(other, at);
                None
            }
        }
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "everything else is refused")]
    fn statement(&mut self, statement: &Stmt) -> Node {
        let at = self.at(statement.position());
        match statement {
            Stmt::Expr(expression) => self.expression(expression),
            Stmt::FnCall(call, _) => self.call(call, at),
            Stmt::If(flow, _) => self.choice(flow, at),
            Stmt::Block(block) => self.block(block.statements(), at),
            other => self.odd_statement(other, at),
        }
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "everything else is refused")]
    fn odd_statement(&mut self, statement: &Stmt, at: usize) -> Node {
        let message = match statement {
            Stmt::Assignment(_) => "only `let` gives a value",
            Stmt::Noop(_) | Stmt::Var(..) => "the last line must be an expression, without `;`",
            Stmt::While(..) | Stmt::Do(..) | Stmt::For(..) => "loops are not part of the rule language",
            Stmt::Switch(..) => "`switch` is not part of the rule language; write `if … { } else { }`",
            Stmt::Expr(_) | Stmt::FnCall(..) | Stmt::If(..) | Stmt::Block(_) => {
                "only `let` may stand before the last expression"
            }
            _ => "this is not part of the rule language",
        };
        self.refuse(at, message)
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "everything else is refused")]
    fn expression(&mut self, expression: &Expr) -> Node {
        let at = self.at(expression.start_position());
        let what = match expression {
            Expr::FloatConstant(number, _) => What::Number(**number),
            Expr::BoolConstant(truth, _) => What::Truth(*truth),
            Expr::Variable(name, ..) => What::Name(name.1.to_string()),
            Expr::And(sides, _) => self.chain(Connective::And, sides),
            Expr::Or(sides, _) => self.chain(Connective::Or, sides),
            Expr::FnCall(call, _) => return self.call(call, at),
            Expr::Stmt(block) => return self.block(block.statements(), at),
            Expr::IntegerConstant(number, _) => {
                return self.refuse(at, format!("write {number}.0: numbers carry a decimal point"));
            }
            Expr::StringConstant(..) | Expr::InterpolatedString(..) | Expr::CharConstant(..) => {
                return self.refuse(at, "an expression has no place for a text");
            }
            _ => return self.refuse(at, "this is not part of the rule language"),
        };
        Node { at, what }
    }
    fn chain(&mut self, connective: Connective, sides: &[Expr]) -> What {
        What::Chain(connective, sides.iter().map(|side| self.expression(side)).collect())
    }
    fn choice(&mut self, flow: &FlowControl, at: usize) -> Node {
        let condition = self.expression(&flow.expr);
        let then = self.block(flow.body.statements(), at);
        if flow.branch.is_empty() {
            return self.refuse(at, "`if` needs an `else`: without it there is no value");
        }
        let otherwise = self.block(flow.branch.statements(), at);
        Node { at, what: What::If(Box::new([condition, then, otherwise])) }
    }
    fn call(&mut self, call: &FnCallExpr, at: usize) -> Node {
        let mut arguments: Vec<Node> = call.args.iter().map(|argument| self.expression(argument)).collect();
        let start = arguments.first().map_or(at, |first| first.at.min(at));
        let name = call.name.as_str();
        if call.op_token.is_none() {
            return Node { at, what: What::Call(name.to_owned(), arguments) };
        }
        let what = match (arguments.pop(), arguments.pop()) {
            (Some(one), None) => unary(name, one),
            (Some(right), Some(left)) => binary(name, left, right),
            (None, _) => None,
        };
        match what {
            Some(what) => Node { at: start, what },
            None => self.refuse(at, format!("`{name}` is not part of the rule language{}", hint(name))),
        }
    }
}

fn hint(operator: &str) -> String {
    suggestion(operator, ["&&", "||"])
}

fn unary(operator: &str, one: Node) -> Option<What> {
    match operator {
        "-" => Some(What::Negative(Box::new(one))),
        "!" => Some(What::Not(Box::new(one))),
        _ => None,
    }
}

fn binary(operator: &str, left: Node, right: Node) -> Option<What> {
    let two = Box::new([left, right]);
    if let Some(comparison) = Comparison::parse(operator) {
        return Some(What::Compare(comparison, two));
    }
    Arithmetic::parse(operator).map(|arithmetic| What::Arithmetic(arithmetic, two))
}
