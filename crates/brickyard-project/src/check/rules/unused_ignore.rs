use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Finds comments `# brickyard: ignore[…]` that ignore nothing.
    ///
    /// ## Why is this bad?
    /// The problem they speak of is gone; the comment would hide the next one.
    ///
    /// ## Example
    /// ```python
    /// port = 8000  # brickyard: ignore[BY201]
    /// ```
    pub(crate) static RULE = { code: "BY001", name: "unused-ignore", level: Warning, check: check }
}

/// The work is done where comments are applied, after all other rules.
fn check(_: &Context, _: &mut Findings) {}
