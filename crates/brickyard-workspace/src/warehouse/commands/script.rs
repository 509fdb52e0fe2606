//! SQL scripts: their blocks, loops and handlers, run here; each statement within as by itself.

use brickyard_sql::command::{Block, Condition, Handler, Step, script};
use brickyard_sql::{DataType, Name, Span, Variable};
use futures_util::future::BoxFuture;

use super::settings;
use crate::warehouse::fault::Fault;
use crate::warehouse::literal;
use crate::warehouse::outcome::Outcome;
use crate::warehouse::scene::Scene;

/// Steps that one script may take.
const MOST_STEPS: usize = 1_000_000;

/// Rows that a `FOR` loop may walk over.
const MOST_ROWS: usize = 100_000;

/// How the steps of a block ended.
enum Flow {
    /// At their end.
    Done,
    /// By `LEAVE` or, with `true`, `ITERATE` of a label.
    Jump(String, bool),
    /// By an `EXIT` handler of the block that many levels up.
    Exit,
}

/// Carries a script out; its result is that of the last statement that gave rows.
pub(super) async fn run(scene: &Scene<'_>, text: &str) -> Result<Outcome, Fault> {
    let block = script(text)?;
    let mut run = Run { scene, text, last: None, steps: 0, handled: Vec::new() };
    match run.block(&block).await? {
        Flow::Jump(label, _) if !block.label.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(&label)) => {
            Err(no_label(&label))
        }
        _ => Ok(run.last.unwrap_or_else(Outcome::nothing)),
    }
}

struct Run<'a, 'b> {
    scene: &'a Scene<'b>,
    text: &'a str,
    last: Option<Outcome>,
    steps: usize,
    /// Faults that handlers are about, the innermost last.
    handled: Vec<Fault>,
}

impl Run<'_, '_> {
    fn block<'c>(&'c mut self, block: &'c Block) -> BoxFuture<'c, Result<Flow, Fault>> {
        Box::pin(async move {
            let scene = self.scene;
            scene.enter(Vec::new());
            let ended = if block.atomic {
                scene.atomically(self.guarded(block)).await
            } else {
                self.guarded(block).await
            };
            scene.exit();
            match ended? {
                Flow::Jump(label, false) if is_label(block.label.as_ref(), &label) => Ok(Flow::Done),
                Flow::Exit => Ok(Flow::Done),
                flow => Ok(flow),
            }
        })
    }

    /// The steps of a block one by one, with its handlers.
    async fn guarded(&mut self, block: &Block) -> Result<Flow, Fault> {
        for step in &block.steps {
            match self.step(step, block.label.as_ref()).await {
                Ok(Flow::Done) => {}
                Ok(flow) => return Ok(flow),
                Err(fault) => {
                    let Some(handler) = handler(block, &fault) else { return Err(fault) };
                    self.handled.push(fault);
                    let ended = self.block(&handler.body).await;
                    self.handled.pop();
                    match ended? {
                        Flow::Done if handler.continues => {}
                        Flow::Done => return Ok(Flow::Exit),
                        flow => return Ok(flow),
                    }
                }
            }
        }
        Ok(Flow::Done)
    }

    fn steps<'c>(&'c mut self, steps: &'c [Step]) -> BoxFuture<'c, Result<Flow, Fault>> {
        Box::pin(async move {
            for step in steps {
                match self.step(step, None).await? {
                    Flow::Done => {}
                    flow => return Ok(flow),
                }
            }
            Ok(Flow::Done)
        })
    }

    async fn step(&mut self, step: &Step, label: Option<&String>) -> Result<Flow, Fault> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return Err(Fault::new(
                "SCRIPT_TOO_LONG",
                "54000",
                format_args!("A script may take {MOST_STEPS} steps."),
            ));
        }
        match step {
            Step::Block(block) => return self.block(block).await,
            Step::Statement(span) => self.statement(*span).await?,
            Step::Declare(names, data_type, default) => {
                let wanted = data_type.as_ref().map(|text| DataType::from(text.as_str()));
                let expression = default.map_or("NULL", |span| span.of(self.text));
                let (data_type, literal) =
                    settings::evaluate(self.scene, expression, wanted.as_ref()).await?;
                for name in names {
                    let (data_type, literal) = (data_type.clone(), literal.clone());
                    let variable =
                        Variable { name: name.clone(), qualifier: label.cloned(), data_type, literal };
                    if !self.scene.declare(variable) {
                        let text =
                            format_args!("Cannot create the variable `{name}` because it already exists.");
                        return Err(Fault::new("VARIABLE_ALREADY_EXISTS", "42723", text));
                    }
                }
            }
            Step::Set(pairs) => {
                for (name, expression) in pairs {
                    settings::assign(self.scene, &name.values(), expression.of(self.text)).await?;
                }
            }
            Step::SetFrom(names, query) => {
                let mut outcome = self.scene.query(query.of(self.text)).await?;
                let names: Vec<Vec<String>> = names.iter().map(Name::values).collect();
                settings::assign_row(self.scene, &names, &mut outcome).await?;
            }
            Step::If(branches, otherwise) => {
                for (condition, steps) in branches {
                    if self.holds(*condition).await? {
                        return self.steps(steps).await;
                    }
                }
                return self.steps(otherwise).await;
            }
            Step::Case(operand, whens, otherwise) => {
                for (value, steps) in whens {
                    let fits = match operand {
                        Some(operand) => {
                            self.test(&format!("({}) = ({})", operand.of(self.text), value.of(self.text)))
                                .await?
                        }
                        None => self.holds(*value).await?,
                    };
                    if fits {
                        return self.steps(steps).await;
                    }
                }
                return match otherwise {
                    Some(steps) => self.steps(steps).await,
                    None => {
                        Err(Fault::new("CASE_NOT_FOUND", "20000", "Case not found for the value in CASE."))
                    }
                };
            }
            Step::While(label, condition, body) => {
                while self.holds(*condition).await? {
                    if let Some(flow) = self.round(label.as_ref(), body).await? {
                        return Ok(flow);
                    }
                }
            }
            Step::Repeat(label, body, condition) => loop {
                if let Some(flow) = self.round(label.as_ref(), body).await? {
                    return Ok(flow);
                }
                if self.holds(*condition).await? {
                    break;
                }
            },
            Step::Loop(label, body) => loop {
                if let Some(flow) = self.round(label.as_ref(), body).await? {
                    return Ok(flow);
                }
            },
            Step::For { label, variable, query, body } => {
                return self.walk(label.as_ref(), variable.as_ref(), *query, body).await;
            }
            Step::Leave(label) => return Ok(Flow::Jump(label.clone(), false)),
            Step::Iterate(label) => return Ok(Flow::Jump(label.clone(), true)),
            Step::Signal(condition, message) => return Err(self.signal(condition, *message).await?),
            Step::Resignal => {
                let fault = self.handled.last().cloned();
                return Err(fault.unwrap_or_else(|| {
                    Fault::new(
                        "RESIGNAL_WITHOUT_ACTIVE_HANDLER",
                        "0K000",
                        "RESIGNAL when handler not active.",
                    )
                }));
            }
            Step::Diagnostics(pairs) => {
                let fault = self.handled.last().cloned().ok_or_else(|| {
                    let text = "GET DIAGNOSTICS when handler not active.";
                    Fault::new("GET_DIAGNOSTICS_WITHOUT_ACTIVE_HANDLER", "0Z002", text)
                })?;
                for (variable, item) in pairs {
                    let value = brickyard_sql::string_literal(&diagnosis(&fault, item)?);
                    settings::assign(self.scene, &variable.values(), &value).await?;
                }
            }
        }
        Ok(Flow::Done)
    }

    /// One round of a loop; a flow when the loop ends by it.
    async fn round(&mut self, label: Option<&String>, body: &[Step]) -> Result<Option<Flow>, Fault> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return Err(Fault::new(
                "SCRIPT_TOO_LONG",
                "54000",
                format_args!("A script may take {MOST_STEPS} steps."),
            ));
        }
        Ok(match self.steps(body).await? {
            Flow::Done => None,
            Flow::Jump(own, iterate) if is_label(label, &own) => (!iterate).then_some(Flow::Done),
            flow => Some(flow),
        })
    }

    /// `FOR row AS query DO … END FOR`.
    async fn walk(
        &mut self,
        label: Option<&String>,
        variable: Option<&String>,
        query: Span,
        body: &[Step],
    ) -> Result<Flow, Fault> {
        let batches = self.scene.collect(query.of(self.text)).await?;
        let count: usize = batches.iter().map(arrow_array::RecordBatch::num_rows).sum();
        if count > MOST_ROWS {
            let text = format_args!("A FOR loop may walk over {MOST_ROWS} rows, but its query gave {count}.");
            return Err(Fault::new("SCRIPT_TOO_LONG", "54000", text));
        }
        for batch in &batches {
            for row in 0..batch.num_rows() {
                let mut variables = Vec::new();
                for (at, field) in batch.schema().fields().iter().enumerate() {
                    let (data_type, literal) = literal::of(batch, at, row, None)?;
                    let qualifier = variable.cloned();
                    variables.push(Variable { name: field.name().clone(), qualifier, data_type, literal });
                }
                self.scene.enter(variables);
                let ended = self.round(label, body).await;
                self.scene.exit();
                if let Some(flow) = ended? {
                    return Ok(flow);
                }
            }
        }
        Ok(Flow::Done)
    }

    async fn statement(&mut self, span: Span) -> Result<(), Fault> {
        let mut outcome = Box::pin(self.scene.run(span.of(self.text))).await?;
        if outcome.schema.fields().is_empty() {
            while outcome.next().await?.is_some() {}
            return Ok(());
        }
        // Rows are taken from the engine at once: what follows may change what they are read from.
        self.last = Some(outcome.held().await?);
        Ok(())
    }

    async fn holds(&self, condition: Span) -> Result<bool, Fault> {
        self.test(condition.of(self.text)).await
    }

    async fn test(&self, condition: &str) -> Result<bool, Fault> {
        let text = settings::value_of(self.scene, &format!("CAST(({condition}) AS BOOLEAN)")).await?;
        Ok(text.is_some_and(|text| text.eq_ignore_ascii_case("true")))
    }

    async fn signal(&self, condition: &Condition, message: Option<Span>) -> Result<Fault, Fault> {
        let text = match message {
            Some(span) => settings::value_of(self.scene, span.of(self.text)).await?,
            None => None,
        };
        let (class, state) = match condition {
            Condition::State(state) => ("USER_RAISED_EXCEPTION".to_owned(), state.clone()),
            Condition::Name(name) => {
                let block = script(self.text)?;
                let declared = declared(&block, name);
                (name.clone(), declared.unwrap_or_else(|| "45000".to_owned()))
            }
            Condition::Exception | Condition::NotFound => {
                ("USER_RAISED_EXCEPTION".to_owned(), "45000".to_owned())
            }
        };
        Ok(Fault::new(&class, &state, text.unwrap_or_default()))
    }
}

/// The state of a condition, wherever it is declared.
fn declared(block: &Block, name: &str) -> Option<String> {
    let own = block.conditions.iter().find(|(known, _)| known == name).map(|(_, state)| state.clone());
    own.or_else(|| {
        block
            .steps
            .iter()
            .find_map(|step| if let Step::Block(inner) = step { declared(inner, name) } else { None })
    })
}

/// The handler of a block for a fault: the most particular one.
fn handler<'a>(block: &'a Block, fault: &Fault) -> Option<&'a Handler> {
    if fault.class == "OPERATION_CANCELED" {
        return None;
    }
    let fits = |condition: &Condition| match condition {
        Condition::Name(name) => {
            let state = block.conditions.iter().find(|(known, _)| known == name).map(|(_, state)| state);
            fault.class == *name
                || fault.class.starts_with(&format!("{name}."))
                || state.is_some_and(|state| *state == fault.sql_state)
        }
        Condition::State(state) => *state == fault.sql_state,
        Condition::NotFound => fault.sql_state.starts_with("02"),
        Condition::Exception => !fault.sql_state.starts_with("02"),
    };
    let general = |condition: &&Condition| matches!(condition, Condition::Exception | Condition::NotFound);
    let particular = block
        .handlers
        .iter()
        .find(|handler| handler.conditions.iter().filter(|condition| !general(condition)).any(fits));
    particular.or_else(|| block.handlers.iter().find(|handler| handler.conditions.iter().any(fits)))
}

fn is_label(own: Option<&String>, label: &str) -> bool {
    own.is_some_and(|own| own.eq_ignore_ascii_case(label))
}

fn no_label(label: &str) -> Fault {
    let text =
        format_args!("Label {label} in the LEAVE or ITERATE statement is not that of a block around it.");
    Fault::new("INVALID_LABEL_USAGE.DOES_NOT_EXIST", "42K0L", text)
}

/// What `GET DIAGNOSTICS` tells of an error.
fn diagnosis(fault: &Fault, item: &str) -> Result<String, Fault> {
    Ok(match item {
        "CONDITION_IDENTIFIER" => fault.class.clone(),
        "RETURNED_SQLSTATE" => fault.sql_state.clone(),
        "MESSAGE_TEXT" => {
            let text = fault.message.trim_start_matches(&format!("[{}]", fault.class)).trim();
            text.split(" SQLSTATE: ").next().unwrap_or(text).to_owned()
        }
        _ => {
            let hint = "Read CONDITION_IDENTIFIER, RETURNED_SQLSTATE or MESSAGE_TEXT";
            return Err(Fault::unsupported(format_args!("{item} in GET DIAGNOSTICS"), hint));
        }
    })
}
