use crate::check::rule::declare_rule;
use crate::check::serving::entry;
use crate::check::{Context, Findings};
use crate::framework::Framework;
use crate::source::Span;

declare_rule! {
    /// ## What it does
    /// Checks that the command fits the framework.
    ///
    /// ## Why is this bad?
    /// A Streamlit script started by `python` ends at once; a Flask app under plain uvicorn, or a FastAPI app under
    /// plain gunicorn, answers every request with an error.
    ///
    /// ## Example
    /// ```yaml
    /// command: ["python", "app.py"]
    /// ```
    /// for a Streamlit app. Use instead:
    /// ```yaml
    /// command: ["streamlit", "run", "app.py"]
    /// ```
    pub(crate) static RULE = { code: "BY115", name: "framework-mismatch", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some(command) = &context.command else { return };
    let Some(entry) = entry(context) else { return };
    let Some(module) = context.modules.iter().find(|module| module.path == entry) else { return };
    let (source, span) = match &command.source {
        Some(source) => (source.clone(), place(command.words.first().map(|word| word.span), command.words.last().map(|word| word.span))),
        None => (module.source.clone(), Span::default()),
    };
    let calls = |test: &dyn Fn(&str) -> bool| context.reached().any(|module| module.calls.iter().any(|call| test(&call.name)));
    let program = command.program();
    let words = command.texts().join(" ");
    let own = Framework::from_imports(&module.source);
    let wrong = match program {
        "python" | "python3" if own == Some(Framework::Streamlit) => {
            let draws = module.calls.iter().any(|call| call.name.starts_with("streamlit."));
            let starts = module.calls.iter().any(|call| call.name.contains("bootstrap") || call.name.contains("subprocess") || call.name.contains("stcli"));
            (draws && !starts).then(|| ("A Streamlit app started by `python` ends at once".to_owned(), format!("command: [\"streamlit\", \"run\", \"{entry}\"]")))
        }
        "python" | "python3" if own == Some(Framework::FastApi) || own == Some(Framework::Flask) || own == Some(Framework::Dash) => {
            let starts = calls(&|name| {
                let method = name.rsplit('.').next().unwrap_or(name);
                ["run", "run_server", "launch", "serve", "serve_forever", "run_app", "main", "start", "run_simple", "Popen", "call", "check_call", "execvp", "system"].contains(&method)
            });
            let made = module.calls.iter().any(|call| matches!(call.name.as_str(), "fastapi.FastAPI" | "flask.Flask" | "dash.Dash"));
            let object = module.assigns.iter().find(|assign| matches!(&assign.value, crate::python::Value::Call(name, ..) if matches!(module.qualify(name, 0).as_str(), "fastapi.FastAPI" | "flask.Flask" | "dash.Dash")));
            let name = object.map_or("app", |assign| assign.target.as_str());
            let stem = entry.trim_end_matches(".py").replace('/', ".");
            let server = match own {
                Some(Framework::FastApi) => format!("command: [\"uvicorn\", \"{stem}:{name}\"]"),
                Some(Framework::Dash) => format!("command: [\"gunicorn\", \"{stem}:{name}.server\"]"),
                _ => format!("command: [\"gunicorn\", \"{stem}:{name}\"]"),
            };
            (made && !starts).then(|| (format!("`{entry}` starts no server, so `python` ends at once"), server))
        }
        "streamlit" if module.calls.iter().any(|call| matches!(call.name.as_str(), "dash.Dash" | "flask.Flask" | "fastapi.FastAPI"))
            && !module.imports.iter().any(|import| import.module.starts_with("streamlit")) =>
        {
            Some((format!("`{entry}` is no Streamlit app"), "start it with the server of its own framework".to_owned()))
        }
        "uvicorn" if !words.contains("--interface") && !words.contains("--factory") => {
            let object = target(command);
            let made = object.map(|name| module.qualify(&name, 0));
            if made.as_deref().is_some_and(|made| matches!(made, "gradio.Interface()" | "gradio.Blocks()" | "gradio.ChatInterface()")) {
                findings
                    .at(&source, span, "uvicorn serves ASGI apps, and this is a Gradio app")
                    .hint("call `launch()` and start it with `python`, or mount it with `gr.mount_gradio_app`");
                return;
            }
            matches!(made.as_deref(), Some("flask.Flask()" | "dash.Dash()" | "dash.Dash().server"))
                .then(|| ("uvicorn serves ASGI apps, and this is a WSGI app".to_owned(), format!("start it with `{}`", words.replacen("uvicorn", "gunicorn", 1))))
        }
        "gunicorn" if !words.contains("uvicorn") && !words.contains("-k") && !words.contains("--worker-class") => {
            let object = target(command);
            let made = object.map(|name| module.qualify(&name, 0));
            let configured = context.modules.iter().any(|module| module.path.starts_with("gunicorn") && module.assigns.iter().any(|assign| assign.target == "worker_class"));
            if made.as_deref() == Some("dash.Dash()") {
                let object = target(command).unwrap_or_default();
                let hint = format!("write `{}:{object}.server`", entry.trim_end_matches(".py").replace('/', "."));
                findings.at(&source, span, "gunicorn is given the Dash app, not its server").hint(hint);
                return;
            }
            (matches!(made.as_deref(), Some("fastapi.FastAPI()" | "starlette.applications.Starlette()")) && !configured).then(|| {
                ("gunicorn serves WSGI apps unless it is given an ASGI worker".to_owned(), "add `-k uvicorn.workers.UvicornWorker`, or start it with `uvicorn`".to_owned())
            })
        }
        _ => None,
    };
    if let Some((message, hint)) = wrong {
        let hint = if hint.starts_with("command") { format!("write `{hint}`") } else { hint };
        findings.at(&source, span, message).hint(hint);
    }
}

fn place(first: Option<Span>, last: Option<Span>) -> Span {
    match (first, last) {
        (Some(first), Some(last)) => Span::new(first.start, last.end.max(first.start)),
        _ => Span::default(),
    }
}

/// The object of `module:object`.
fn target(command: &crate::check::Command) -> Option<String> {
    let word = command.words.iter().skip(1).find(|word| word.text.contains(':') && !word.text.contains("//") && !word.text.starts_with('-') && !word.text.contains("0.0"))?;
    let (_, object) = word.text.split_once(':')?;
    Some(object.to_owned())
}
