//! When a materialized view or a streaming table is to be refreshed.

use crate::error::SqlError;
use crate::parser::Parser;

/// `SCHEDULE …` or `TRIGGER …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// `EVERY number unit`.
    Every {
        /// How many units.
        number: u64,
        /// `HOUR`, `DAY` or `WEEK`.
        unit: String,
    },
    /// `CRON 'expression' [AT TIME ZONE 'zone']`.
    Cron {
        /// In Quartz's notation.
        expression: String,
        /// The zone; the session's where it is not said.
        zone: Option<String>,
    },
    /// `TRIGGER ON UPDATE [AT MOST EVERY interval]`: the interval as typed.
    OnUpdate {
        /// Such as `INTERVAL 5 MINUTES`.
        at_most_every: Option<String>,
    },
}

/// Most units of each kind.
const MOST: [(&str, u64); 3] = [("HOUR", 72), ("DAY", 31), ("WEEK", 8)];

impl Parser<'_> {
    /// Reads `SCHEDULE [REFRESH] …` or `TRIGGER ON UPDATE …`.
    ///
    /// Errors: a number of hours, days or weeks out of bounds (`SCHEDULE_PERIOD_INVALID` 22003).
    pub(super) fn schedule(&mut self) -> Result<Schedule, SqlError> {
        if self.words("TRIGGER") {
            self.expect_words("ON UPDATE")?;
            let at_most_every = if self.words("AT MOST EVERY") {
                Some(self.expr()?.span.of(self.sql).to_owned())
            } else {
                None
            };
            return Ok(Schedule::OnUpdate { at_most_every });
        }
        self.expect_words("SCHEDULE")?;
        self.words("REFRESH");
        if self.words("CRON") {
            let expression = self.string()?;
            let zone = if self.words("AT TIME ZONE") { Some(self.string()?) } else { None };
            return Ok(Schedule::Cron { expression, zone });
        }
        self.expect_words("EVERY")?;
        let number = self.integer()?;
        let unit = self.one_of(&["HOURS", "HOUR", "DAYS", "DAY", "WEEKS", "WEEK"]);
        let unit = unit.ok_or_else(|| self.error())?.trim_end_matches('S');
        let most = MOST.iter().find(|(known, _)| *known == unit).map_or(0, |(_, most)| *most);
        if !(1..=most).contains(&number) {
            let text = format!(
                "The schedule period for {unit} must be an integer value between 1 and {most} (inclusive). Received: {number}."
            );
            return Err(SqlError::new("SCHEDULE_PERIOD_INVALID", "22003", text));
        }
        Ok(Schedule::Every { number, unit: unit.to_owned() })
    }
}
