//! Variables that a statement sees: those of the blocks of a script around it, and the session's.

use brickyard_sql::Variable;

use super::Scene;

impl Scene<'_> {
    /// Variables in sight: those of the script's blocks from the inside out, then the session's.
    pub(crate) fn variables(&self) -> Vec<Variable> {
        let mut variables: Vec<Variable> =
            self.seen().frames.iter().rev().flat_map(|frame| frame.iter().rev().cloned()).collect();
        variables.extend(self.session.settings().variables.iter().cloned());
        variables
    }

    /// Begins a block of a script with its variables.
    pub(crate) fn enter(&self, variables: Vec<Variable>) {
        self.seen().frames.push(variables);
    }

    /// Ends the innermost block.
    pub(crate) fn exit(&self) {
        self.seen().frames.pop();
    }

    /// Hides the variables of the scripts around a procedure, which sees its parameters alone; none when calls are nested too deeply.
    pub(crate) fn begin_call(&self, parameters: Vec<Variable>, deepest: usize) -> Option<Vec<Vec<Variable>>> {
        let mut seen = self.seen();
        if seen.calls >= deepest {
            return None;
        }
        seen.calls += 1;
        Some(std::mem::replace(&mut seen.frames, vec![parameters]))
    }

    /// Ends a call: shows the variables around it again, and gives the parameters as they are now.
    pub(crate) fn end_call(&self, before: Vec<Vec<Variable>>) -> Vec<Variable> {
        let mut seen = self.seen();
        seen.calls -= 1;
        std::mem::replace(&mut seen.frames, before).into_iter().next().unwrap_or_default()
    }

    /// Declares a variable in the innermost block; `false` when it has one of that name.
    pub(crate) fn declare(&self, variable: Variable) -> bool {
        let mut seen = self.seen();
        let Some(frame) = seen.frames.last_mut() else { return false };
        if frame.iter().any(|known| known.name.eq_ignore_ascii_case(&variable.name)) {
            return false;
        }
        frame.push(variable);
        true
    }

    /// Gives a variable a value (SQL text of its type): of the innermost block that has it, else of the session. `false` when
    /// there is none.
    pub(crate) fn assign(&self, parts: &[String], literal: &str) -> bool {
        let is = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        let (owner, name) = match parts {
            [name] => (None, name),
            [.., owner, name] => (Some(owner), name),
            [] => return false,
        };
        let session = owner.is_some_and(|owner| is(owner, "session"));
        if !session {
            let mut seen = self.seen();
            for variable in seen.frames.iter_mut().rev().flat_map(|frame| frame.iter_mut().rev()) {
                let owned =
                    owner.is_none_or(|owner| variable.qualifier.as_deref().is_some_and(|own| is(own, owner)));
                if owned && is(&variable.name, name) {
                    literal.clone_into(&mut variable.literal);
                    return true;
                }
            }
        }
        if owner.is_some() && !session {
            return false;
        }
        let mut settings = self.session.settings();
        let found = settings.variables.iter_mut().find(|variable| is(&variable.name, name));
        found.map(|variable| literal.clone_into(&mut variable.literal)).is_some()
    }
}
