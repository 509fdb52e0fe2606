use ignore::gitignore::GitignoreBuilder;

use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Finds folders the app serves that `.gitignore` keeps from being uploaded.
    ///
    /// ## Why is this bad?
    /// The upload leaves out what git ignores: the page is blank, its files are 404.
    ///
    /// ## Example
    /// ```python
    /// app.mount("/", StaticFiles(directory="frontend/dist"))
    /// ```
    /// with `dist/` in `.gitignore`.
    pub(crate) static RULE = { code: "BY702", name: "ignored-front-end", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some(gitignore) = &context.gitignore else { return };
    // A build step of the platform makes the folder there; `sync.include` uploads it anyway.
    let built = context.package_json.as_ref().is_some_and(|(_, json)| json["scripts"]["build"].is_string());
    let included = context.bundle.iter().flat_map(|bundle| &bundle.files).any(|(_, tree)| tree.path(&["sync", "include"]).is_some());
    if built || included {
        return;
    }
    let mut lines = GitignoreBuilder::new("");
    for index in 0..gitignore.line_count().min(2_000) {
        let _ = lines.add_line(None, gitignore.slice(gitignore.line_span(index)).trim_end());
    }
    let Ok(ignores) = lines.build() else { return };
    for module in context.reached() {
        for call in module.calls.iter().filter(|call| matches!(call.method(), "StaticFiles" | "Flask" | "send_from_directory")) {
            let values = call.args.iter().map(|(value, span)| (value, *span)).chain(call.keywords.iter().map(|(_, value, span)| (value, *span)));
            for (value, span) in values {
                let Some(path) = module.path(value, call.scope) else { continue };
                let Some(part) = path.split('/').find(|part| matches!(*part, "dist" | "build" | "out")) else { continue };
                let path = path.trim_start_matches("../").trim_end_matches('/');
                let ignored = !path.starts_with('/') && ignores.matched_path_or_any_parents(path, true).is_ignore();
                if ignored {
                    findings
                        .at(&module.source, span, format!("`.gitignore` keeps `{part}` from being uploaded"))
                        .hint(format!("take `{part}` out of `.gitignore`, or add it to `sync.include` of the bundle"));
                }
            }
        }
    }
}
