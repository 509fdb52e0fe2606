use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::framework::Framework;
use crate::python::Value;

declare_rule! {
    /// ## What it does
    /// Finds a second server started beside the app.
    ///
    /// ## Why is this bad?
    /// Only `DATABRICKS_APP_PORT` is reached from outside; a server on another port is not, and two on one port clash.
    ///
    /// ## Example
    /// ```python
    /// subprocess.Popen(["uvicorn", "api:app", "--port", "8001"])
    /// ```
    pub(crate) static RULE = { code: "BY208", name: "second-server", level: Warning, check: check }
}

const SERVERS: [&str; 7] = ["uvicorn", "gunicorn", "streamlit", "flask", "gradio", "hypercorn", "reflex"];

fn check(context: &Context, findings: &mut Findings) {
    if let Some(command) = &context.command
        && let Some(source) = &command.source
        && let Some(word) = command.words.iter().find(|word| word.text == "concurrently" || (command.shell && word.text == "&"))
    {
        findings
            .at(source, word.span, "Two programs are started, and only one port is reached from outside")
            .hint("serve everything from one program, or forward from it to the other");
    }
    for module in context.reached() {
        for call in &module.calls {
            // Streamlit serves the page; what the script starts beside it is not reached.
            if call.name == "uvicorn.run" && context.framework == Some(Framework::Streamlit) && !call.main {
                findings
                    .at(&module.source, call.span, "A second server (`uvicorn`) is not reached from outside")
                    .hint("serve everything from one program");
            }
            if !call.name.starts_with("subprocess.") && !matches!(call.name.as_str(), "os.system" | "os.popen" | "asyncio.create_subprocess_exec" | "asyncio.create_subprocess_shell") {
                continue;
            }
            let Some((value, _)) = call.args.first() else { continue };
            let words: Vec<String> = match module.follow(value, call.scope) {
                Value::List(items) => items.iter().flat_map(|item| module.texts(item, call.scope)).collect(),
                Value::Text(text) => text.split_whitespace().map(ToOwned::to_owned).collect(),
                _ => continue,
            };
            let replaced = context.command.as_ref().is_some_and(|command| command.program().starts_with("python"));
            if let Some(server) = words.iter().take(4).find(|word| SERVERS.contains(&word.as_str())) {
                // A launcher that only starts the real server is one server, not two.
                let launcher = replaced && crate::check::serving::sites(context).is_empty() && call.method() != "Popen";
                if !launcher {
                    findings
                        .at(&module.source, call.span, format!("A second server (`{server}`) is not reached from outside"))
                        .hint("serve everything from one program");
                }
            }
        }
    }
}
