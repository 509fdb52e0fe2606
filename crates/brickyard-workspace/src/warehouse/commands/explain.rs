use crate::warehouse::fault::Fault;
use crate::warehouse::outcome::Outcome;

/// `EXPLAIN`: the engine's plan would show what row filters hide, so it is not shown.
pub(super) fn explain() -> Result<Outcome, Fault> {
    Err(Fault::unsupported("EXPLAIN"))
}
