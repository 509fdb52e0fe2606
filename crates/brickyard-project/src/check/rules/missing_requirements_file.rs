use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Checks that files named with `-r` in `requirements.txt` are there.
    ///
    /// ## Why is this bad?
    /// pip stops, and the deployment fails.
    ///
    /// ## Example
    /// ```text
    /// -r requirements/prod.txt
    /// ```
    pub(crate) static RULE = { code: "BY309", name: "missing-requirements-file", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some(requirements) = &context.requirements else { return };
    for (file, span, path) in &requirements.missing {
        let name = path.strip_prefix(&context.dir).unwrap_or(path).display();
        findings.at(&requirements.files[*file], *span, format!("There is no file `{name}`"));
    }
}
