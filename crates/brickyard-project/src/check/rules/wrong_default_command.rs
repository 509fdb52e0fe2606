use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Finds apps without `command` whose first Python file by name is not the one to start.
    ///
    /// ## Why is this bad?
    /// Without `command` the platform runs `python` with the first Python file of the root in alphabetical order.
    ///
    /// ## Example
    /// A root with `backend.py` and `main.py` starts `backend.py`.
    pub(crate) static RULE = { code: "BY103", name: "wrong-default-command", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let default = context.command.as_ref().is_some_and(|command| command.source.is_none());
    if !default || context.package_json.is_some() || context.root_python.len() < 2 || context.app_tree.is_none() {
        return;
    }
    let first = &context.root_python[0];
    let entry = ["app.py", "main.py", "server.py", "streamlit_app.py"]
        .iter()
        .find(|name| context.root_python.iter().any(|file| file == *name));
    if let Some(entry) = entry.filter(|entry| *entry != first) {
        findings
            .at(&context.main_source(), 0..0, format!("Without `command` the platform starts `{first}`, not `{entry}`"))
            .hint(format!("write `command: [\"python\", \"{entry}\"]`"));
    }
}
