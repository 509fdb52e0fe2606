use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::framework::Framework;

declare_rule! {
    /// ## What it does
    /// Finds Reflex apps whose front end and back end listen on two ports.
    ///
    /// ## Why is this bad?
    /// One port is reached from outside; the page stays blank because it cannot reach the other.
    ///
    /// ## Example
    /// ```yaml
    /// command: ["reflex", "run", "--env", "prod"]
    /// ```
    /// Use instead:
    /// ```yaml
    /// command: ["reflex", "run", "--env", "prod", "--single-port"]
    /// ```
    pub(crate) static RULE = { code: "BY212", name: "reflex-ports", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some(command) = context.command.as_ref().filter(|_| context.framework == Some(Framework::Reflex)) else { return };
    let Some(source) = &command.source else { return };
    if command.program() != "reflex" || command.words.iter().any(|word| word.text.starts_with("--single-port") || word.text == "--backend-only") {
        return;
    }
    let single = context.modules.iter().filter(|module| module.path.ends_with("rxconfig.py")).any(|module| {
        module.calls.iter().any(|call| {
            let same = matches!((call.keyword("frontend_port"), call.keyword("backend_port")), (Some((front, _)), Some((back, _))) if front == back);
            same || call.keyword("use_single_port").is_some() || call.keyword("single_port").is_some()
        })
    });
    if let Some(word) = command.words.first().filter(|_| !single) {
        findings
            .at(source, word.span, "Reflex listens on two ports, and one is reached from outside")
            .hint("give `frontend_port` and `backend_port` of `rx.Config` the same port, or add `--single-port`");
    }
}
