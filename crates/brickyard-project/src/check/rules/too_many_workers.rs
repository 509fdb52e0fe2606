use crate::app_yaml::EnvSource;
use crate::check::rule::declare_rule;
use crate::check::serving::{gunicorn_settings, sites};
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Finds more worker processes than the machine carries, and models loaded when a module is imported.
    ///
    /// ## Why is this bad?
    /// An app has 2 vCPU and 6 GB unless it is made larger; each worker holds its own copy of everything.
    ///
    /// ## Example
    /// ```yaml
    /// command: ["gunicorn", "app:app", "-w", "16"]
    /// ```
    pub(crate) static RULE = { code: "BY205", name: "too-many-workers", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let size = context.bundle_app().and_then(|app| app.compute_size.as_deref()).or(context.settings.app.compute_size.as_deref());
    let most = if size.is_some_and(|size| !size.eq_ignore_ascii_case("medium")) { 9u32 } else { 5 };
    if let Some(command) = &context.command
        && let Some(source) = &command.source
        && let Some((text, span)) = command.option(&["-w", "--workers"])
        && text.parse::<u32>().is_ok_and(|count| count > most)
    {
        findings
            .at(source, span, message(&text))
            .hint(format!("use at most {most}; threads (`--threads`) cost less"));
    }
    // gunicorn and uvicorn take the number from this variable.
    for entry in context.app.iter().flat_map(|app| &app.env).filter(|entry| entry.name == "WEB_CONCURRENCY") {
        if let (EnvSource::Value(text), Some((source, _))) = (&entry.source, &context.app_tree)
            && text.parse::<u32>().is_ok_and(|count| count > most)
        {
            findings.at(source, entry.span, message(text)).hint(format!("use at most {most}"));
        }
    }
    for site in sites(context) {
        let Some((value, span)) = site.call.keyword("workers") else { continue };
        let count = site.module.numbers(value, site.call.scope).into_iter().min();
        if let Some(count) = count.filter(|count| *count > i64::from(most)) {
            findings.at(&site.module.source, span, message(&count.to_string())).hint(format!("use at most {most}"));
        }
    }
    for (module, assign) in gunicorn_settings(context, "workers") {
        let count = module.numbers(&assign.value, 0).into_iter().next();
        if let Some(count) = count.filter(|count| *count > i64::from(most)) {
            findings
                .at(&module.source, assign.span, message(&count.to_string()))
                .hint(format!("use at most {most}; threads (`threads`) cost less"));
        }
    }
    for module in context.reached() {
        for call in module.calls.iter().filter(|call| call.scope == 0 && !call.main) {
            if call.method() == "from_pretrained" || matches!(call.name.as_str(), "sentence_transformers.SentenceTransformer" | "transformers.pipeline" | "torch.load" | "joblib.load")
                || (call.name.starts_with("mlflow.") && call.method() == "load_model") {
                findings
                    .at(&module.source, call.span, "The model is loaded while the app starts")
                    .hint("load it when it is first needed, or call a model serving endpoint");
            }
        }
    }
}

fn message(count: &str) -> String {
    format!("{count} worker processes do not fit a machine of this size")
}
