use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Finds Dash apps that use Bootstrap components without a Bootstrap stylesheet.
    ///
    /// ## Why is this bad?
    /// The components have no style of their own: the page looks broken.
    ///
    /// ## Example
    /// ```python
    /// app = Dash(__name__)
    /// ```
    /// Use instead:
    /// ```python
    /// app = Dash(__name__, external_stylesheets=[dbc.themes.BOOTSTRAP])
    /// ```
    pub(crate) static RULE = { code: "BY602", name: "unstyled-dash", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let uses = context.reached().any(|module| module.imports.iter().any(|import| import.module.starts_with("dash_bootstrap_components")));
    if !uses {
        return;
    }
    let styled = context.files.iter().any(|(name, _)| name.contains("assets/") && name.to_ascii_lowercase().ends_with(".css"))
        || context.reached().any(|module| module.source.text().contains("themes."))
        || context.reached().any(|module| module.source.text().contains("stylesheet"));
    if styled {
        return;
    }
    for module in context.reached() {
        for call in module.calls.iter().filter(|call| call.name == "dash.Dash" && !call.open) {
            findings
                .at(&module.source, call.span, "Bootstrap components have no style without a Bootstrap stylesheet")
                .hint("pass `external_stylesheets=[dbc.themes.BOOTSTRAP]`");
        }
    }
}
