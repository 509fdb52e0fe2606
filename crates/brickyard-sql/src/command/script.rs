//! SQL scripts: `BEGIN … END` with declarations, handlers, loops and branches.

use crate::error::SqlError;
use crate::parser::{Name, Parser};
use crate::token::Span;

/// `[label:] BEGIN [[NOT] ATOMIC] declarations handlers steps END [label]`.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// Its label.
    pub label: Option<String>,
    /// `ATOMIC`: all of it happens, or nothing.
    pub atomic: bool,
    /// Conditions: their name and SQLSTATE.
    pub conditions: Vec<(String, String)>,
    /// What is done about errors.
    pub handlers: Vec<Handler>,
    /// What is done; declarations of variables are among them.
    pub steps: Vec<Step>,
}

/// `DECLARE EXIT|CONTINUE HANDLER FOR conditions step`.
#[derive(Debug, Clone)]
pub struct Handler {
    /// `CONTINUE`, else `EXIT`.
    pub continues: bool,
    /// What it is for.
    pub conditions: Vec<Condition>,
    /// What it does.
    pub body: Block,
}

/// What a handler is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// `SQLEXCEPTION`.
    Exception,
    /// `NOT FOUND`.
    NotFound,
    /// `SQLSTATE 'state'`.
    State(String),
    /// A declared condition or an error class, in upper case.
    Name(String),
}

/// What a script does. Spans are of the script's text.
#[derive(Debug, Clone)]
pub enum Step {
    /// A block within.
    Block(Block),
    /// Any SQL statement.
    Statement(Span),
    /// `DECLARE names [type] [DEFAULT expression]`: names, text of the type, expression.
    Declare(Vec<String>, Option<String>, Option<Span>),
    /// `SET a = expression, …`.
    Set(Vec<(Name, Span)>),
    /// `SET (a, b) = (query)`.
    SetFrom(Vec<Name>, Span),
    /// `IF … THEN … [ELSEIF …] [ELSE …] END IF`; `CASE` without an operand too.
    If(Vec<(Span, Vec<Step>)>, Vec<Step>),
    /// `CASE operand WHEN … END CASE`; without `ELSE` a value that fits nothing is an error.
    Case(Option<Span>, Vec<(Span, Vec<Step>)>, Option<Vec<Step>>),
    /// `WHILE condition DO … END WHILE`.
    While(Option<String>, Span, Vec<Step>),
    /// `REPEAT … UNTIL condition END REPEAT`.
    Repeat(Option<String>, Vec<Step>, Span),
    /// `LOOP … END LOOP`.
    Loop(Option<String>, Vec<Step>),
    /// `FOR [variable AS] query DO … END FOR`.
    For {
        /// Label of the loop.
        label: Option<String>,
        /// Name of the row.
        variable: Option<String>,
        /// The query.
        query: Span,
        /// What is done for each row.
        body: Vec<Step>,
    },
    /// `LEAVE label`.
    Leave(String),
    /// `ITERATE label`.
    Iterate(String),
    /// `SIGNAL condition|SQLSTATE 'x' [SET MESSAGE_TEXT = expression]`.
    Signal(Condition, Option<Span>),
    /// `RESIGNAL`.
    Resignal,
    /// `GET DIAGNOSTICS CONDITION 1 variable = item, …`: what is known of the error that a handler is about.
    Diagnostics(Vec<(Name, String)>),
}

/// Reads a script, `BEGIN … END` with a label before it or none.
///
/// Errors: `PARSE_SYNTAX_ERROR` with line and position; `LABELS_MISMATCH` where a label at the end is not that at the start.
pub fn script(sql: &str) -> Result<Block, SqlError> {
    crate::room::with_room(sql, || {
        let mut parser = Parser::new(sql)?;
        let label = parser.label()?;
        let block = parser.block(label)?;
        parser.expect_end()?;
        Ok(block)
    })
}

impl Parser<'_> {
    /// Whether a script begins here: `BEGIN` or a label before it.
    pub(crate) fn is_labelled_script(&self) -> bool {
        self.is_ident() && self.is_symbol_at(1, ":") && self.is_word_at(2, "BEGIN")
    }

    fn label(&mut self) -> Result<Option<String>, SqlError> {
        if self.is_ident() && self.is_symbol_at(1, ":") {
            let label = self.ident()?.value;
            self.advance();
            return Ok(Some(label));
        }
        Ok(None)
    }

    fn end_label(&mut self, label: Option<&String>) -> Result<(), SqlError> {
        if self.at_end() || self.is_symbol(";") {
            return Ok(());
        }
        let at = self.here();
        let end = self.ident()?.value;
        if label.is_some_and(|label| label.eq_ignore_ascii_case(&end)) {
            return Ok(());
        }
        let text = match label {
            Some(label) => format!("Begin label {label} does not match the end label {end}."),
            None => format!("End label {end} can not exist without begin label."),
        };
        Err(SqlError::parse(self.sql, at, "LABELS_MISMATCH", "42K0L", &text))
    }

    fn block(&mut self, label: Option<String>) -> Result<Block, SqlError> {
        self.expect_words("BEGIN")?;
        let atomic = !self.words("NOT ATOMIC") && self.words("ATOMIC");
        let mut block = Block { label, atomic, ..Block::default() };
        while self.is_word_at(0, "DECLARE") {
            self.declaration(&mut block)?;
            self.expect_symbol(";")?;
        }
        block.steps.extend(self.steps(&["END"])?);
        self.expect_words("END")?;
        self.end_label(block.label.as_ref())?;
        Ok(block)
    }

    fn declaration(&mut self, block: &mut Block) -> Result<(), SqlError> {
        self.expect_words("DECLARE")?;
        if let Some(word) = self.one_of(&["EXIT HANDLER FOR", "CONTINUE HANDLER FOR"]) {
            let conditions = self.list(Self::condition)?;
            let body = if self.is_word_at(0, "BEGIN") {
                self.deeper(|parser| parser.block(None))?
            } else {
                Block { steps: vec![self.deeper(Self::step)?], ..Block::default() }
            };
            block.handlers.push(Handler { continues: word.starts_with("CONTINUE"), conditions, body });
            return Ok(());
        }
        if self.is_word_at(1, "CONDITION") {
            let name = self.ident()?.value.to_uppercase();
            self.advance();
            let mut state = "45000".to_owned();
            if self.words("FOR") {
                self.expect_words("SQLSTATE")?;
                self.words("VALUE");
                state = self.string()?;
            }
            block.conditions.push((name, state));
            return Ok(());
        }
        self.words("VARIABLE");
        let names = self.list(Self::ident)?.into_iter().map(|name| name.value).collect();
        let untyped = self.is_symbol(";") || self.is_symbol("=") || self.is_word_at(0, "DEFAULT");
        let data_type = if untyped { None } else { Some(self.data_type()?.to_string()) };
        let given = self.words("DEFAULT") || self.symbol("=");
        let default = if given { Some(self.expr()?.span) } else { None };
        if data_type.is_none() && default.is_none() {
            return Err(self.error());
        }
        block.steps.push(Step::Declare(names, data_type, default));
        Ok(())
    }

    fn condition(&mut self) -> Result<Condition, SqlError> {
        if self.words("SQLEXCEPTION") {
            return Ok(Condition::Exception);
        }
        if self.words("NOT FOUND") {
            return Ok(Condition::NotFound);
        }
        if self.words("SQLSTATE") {
            self.words("VALUE");
            return self.string().map(Condition::State);
        }
        Ok(Condition::Name(self.name()?.values().join(".").to_uppercase()))
    }

    /// Steps up to one of the words.
    fn steps(&mut self, until: &[&str]) -> Result<Vec<Step>, SqlError> {
        let mut steps = Vec::new();
        while !until.iter().any(|word| self.is_word_at(0, word)) {
            steps.push(self.deeper(Self::step)?);
            self.expect_symbol(";")?;
        }
        Ok(steps)
    }

    fn step(&mut self) -> Result<Step, SqlError> {
        let label = self.label()?;
        let word = self.text(0).to_uppercase();
        let step = match word.as_str() {
            "BEGIN" => Step::Block(self.block(label.clone())?),
            "WHILE" => {
                self.advance();
                let condition = self.expr()?.span;
                Step::While(label.clone(), condition, self.body("DO", "END WHILE", label.as_ref())?)
            }
            "REPEAT" => {
                self.advance();
                let body = self.steps(&["UNTIL"])?;
                self.expect_words("UNTIL")?;
                let condition = self.expr()?.span;
                self.expect_words("END REPEAT")?;
                self.end_label(label.as_ref())?;
                Step::Repeat(label, body, condition)
            }
            "LOOP" => Step::Loop(label.clone(), self.body("LOOP", "END LOOP", label.as_ref())?),
            "FOR" => {
                self.advance();
                let variable = if self.is_ident() && self.is_word_at(1, "AS") {
                    let name = self.ident()?.value;
                    self.advance();
                    Some(name)
                } else {
                    None
                };
                let query = self.query()?.span;
                let body = self.body("DO", "END FOR", label.as_ref())?;
                Step::For { label, variable, query, body }
            }
            _ if label.is_some() => return Err(self.error()),
            "IF" if !self.is_symbol_at(1, "(") || self.then_follows() => self.branches()?,
            "CASE" => self.cases()?,
            "SET" if self.is_assignment() => self.assignment()?,
            "LEAVE" | "ITERATE" => {
                self.advance();
                let label = self.ident()?.value;
                if word == "LEAVE" { Step::Leave(label) } else { Step::Iterate(label) }
            }
            "SIGNAL" => {
                self.advance();
                let condition = self.condition()?;
                let message = self.words("SET MESSAGE_TEXT");
                if message {
                    self.expect_symbol("=")?;
                }
                Step::Signal(condition, if message { Some(self.expr()?.span) } else { None })
            }
            "RESIGNAL" => {
                self.advance();
                Step::Resignal
            }
            "GET" if self.is_words("GET DIAGNOSTICS") => {
                self.expect_words("GET DIAGNOSTICS CONDITION")?;
                self.integer()?;
                Step::Diagnostics(self.list(|parser| {
                    let variable = parser.name()?;
                    parser.expect_symbol("=")?;
                    Ok((variable, parser.ident()?.value.to_uppercase()))
                })?)
            }
            _ => self.plain()?,
        };
        Ok(step)
    }

    /// `DO … END WHILE [label]`.
    fn body(&mut self, open: &str, close: &str, label: Option<&String>) -> Result<Vec<Step>, SqlError> {
        self.expect_words(open)?;
        let steps = self.steps(&["END"])?;
        self.expect_words(close)?;
        self.end_label(label)?;
        Ok(steps)
    }

    /// Whether `IF (…)` is a branch and no call of the function.
    fn then_follows(&self) -> bool {
        (0..4096)
            .map_while(|at| self.peek(at).map(|_| at))
            .take_while(|at| !self.is_symbol_at(*at, ";"))
            .any(|at| self.is_word_at(at, "THEN"))
    }

    fn branches(&mut self) -> Result<Step, SqlError> {
        self.expect_words("IF")?;
        let (mut branches, mut otherwise) = (Vec::new(), Vec::new());
        loop {
            let condition = self.expr()?.span;
            self.expect_words("THEN")?;
            branches.push((condition, self.steps(&["ELSEIF", "ELSE", "END"])?));
            if self.words("ELSEIF") {
                continue;
            }
            if self.words("ELSE") {
                otherwise = self.steps(&["END"])?;
            }
            self.expect_words("END IF")?;
            return Ok(Step::If(branches, otherwise));
        }
    }

    fn cases(&mut self) -> Result<Step, SqlError> {
        self.expect_words("CASE")?;
        let operand = if self.is_word_at(0, "WHEN") { None } else { Some(self.expr()?.span) };
        let (mut whens, mut otherwise) = (Vec::new(), None);
        while self.words("WHEN") {
            let value = self.expr()?.span;
            self.expect_words("THEN")?;
            whens.push((value, self.steps(&["WHEN", "ELSE", "END"])?));
        }
        if self.words("ELSE") {
            otherwise = Some(self.steps(&["END"])?);
        }
        self.expect_words("END CASE")?;
        Ok(Step::Case(operand, whens, otherwise))
    }

    /// Whether `SET` is an assignment of variables rather than a setting.
    fn is_assignment(&self) -> bool {
        let setting =
            ["TIME", "CATALOG"].iter().any(|word| self.is_word_at(1, word)) && !self.is_symbol_at(2, "=");
        !setting && self.peek(1).is_some() && !self.is_symbol_at(1, ";")
    }

    fn assignment(&mut self) -> Result<Step, SqlError> {
        self.expect_words("SET")?;
        if !self.is_symbol_at(1, "=") {
            self.one_of(&["VARIABLE", "VAR"]);
        }
        if self.is_symbol("(") {
            let names = self.parenthesized(Self::object)?;
            self.expect_symbol("=")?;
            self.expect_symbol("(")?;
            let query = self.query()?.span;
            self.expect_symbol(")")?;
            return Ok(Step::SetFrom(names, query));
        }
        let pairs = self.list(|parser| {
            let name = parser.object()?;
            parser.expect_symbol("=")?;
            if parser.words("DEFAULT") {
                return Err(parser.error());
            }
            Ok((name, parser.expr()?.span))
        })?;
        Ok(Step::Set(pairs))
    }

    /// A statement up to its `;`, which must be one that can be read.
    fn plain(&mut self) -> Result<Step, SqlError> {
        let start = self.here();
        while !self.at_end() && !self.is_symbol(";") {
            self.advance();
        }
        let span = self.since(start);
        crate::statement::parse(span.of(self.sql)).map_err(|error| error.at(span))?;
        Ok(Step::Statement(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_read_in_its_parts() {
        let text = "outer: BEGIN DECLARE x, y INT DEFAULT 1; DECLARE odd CONDITION FOR SQLSTATE '45123'; \
            DECLARE EXIT HANDLER FOR odd, NOT FOUND BEGIN SELECT 'h'; END; \
            l: WHILE x < 3 DO SET x = x + 1; IF x = 2 THEN ITERATE l; ELSEIF x > 5 THEN LEAVE l; ELSE SELECT IF(x > 1, 'a', 'b'); END IF; END WHILE l; \
            FOR r AS SELECT id FROM range(2) DO VALUES (r.id); END FOR; CASE x WHEN 1 THEN SELECT 1; ELSE SIGNAL odd SET MESSAGE_TEXT = 'no'; END CASE; \
            REPEAT SET (x, y) = (SELECT 1, 2); UNTIL true END REPEAT; END outer;";
        let block = script(text).unwrap();
        assert_eq!((block.conditions.len(), block.handlers.len(), block.steps.len()), (1, 1, 5));
        assert_eq!(block.handlers[0].conditions, [Condition::Name("ODD".to_owned()), Condition::NotFound]);
        assert_eq!(script("a: BEGIN SELECT 1; END b").unwrap_err().class, "LABELS_MISMATCH");
        assert_eq!(script("BEGIN SELEC 1; END").unwrap_err().class, "PARSE_SYNTAX_ERROR");
    }
}
