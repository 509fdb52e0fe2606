use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Level};
use crate::source::Source;

declare_rule! {
    /// ## What it does
    /// Finds virtual environments, caches, `node_modules` and `.env` files that would be uploaded.
    ///
    /// ## Why is this bad?
    /// They make the upload slow or fail it, and `.env` gives secrets away.
    ///
    /// ## Example
    /// A folder `.venv` beside `app.py` and no `.gitignore`.
    pub(crate) static RULE = { code: "BY704", name: "junk-upload", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    // git itself and the official command line leave these out whatever the ignore file says.
    let never = [".git", ".databricks", ".brickyard"];
    for name in context.junk.iter().filter(|name| !never.contains(&name.rsplit('/').next().unwrap_or(name))) {
        let last = name.rsplit('/').next().unwrap_or(name);
        let real = last != "env" || context.dir.join(name).join("pyvenv.cfg").is_file();
        if !real {
            continue;
        }
        let finding = findings
            .at(&Source::new(context.dir.join(name), ""), 0..0, format!("`{name}` would be uploaded with the app"))
            .hint(format!("add `{last}/` to `.gitignore`"));
        if last == "__pycache__" || last.ends_with("_cache") {
            finding.level(Level::Info);
        }
    }
    for (name, _) in &context.files {
        if name.rsplit('/').next() == Some(".env") {
            findings
                .at(&Source::new(context.dir.join(name), ""), 0..0, format!("`{name}` would be uploaded with the app"))
                .hint("add `.env` to `.gitignore`; use secret resources for secrets");
        }
    }
}
