use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Packages};
use crate::python::packages;
use crate::requirements::version;

declare_rule! {
    /// ## What it does
    /// Points out requirements that replace a pre-installed package by another major version.
    ///
    /// ## Why is this bad?
    /// What else is pre-installed was chosen to go with the version that is replaced: `dash` 2 with its component
    /// libraries, `plotly` 5 with `plotly-resampler`. pip replaces the one and leaves the others.
    ///
    /// ## Example
    /// ```text
    /// plotly==6.3.0
    /// ```
    /// Pin with it what the app uses beside it, and see that it starts: `brickyard run`.
    pub(crate) static RULE = { code: "BY311", name: "version-jump", level: Info, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    if context.packages() == Packages::Uv {
        return;
    }
    let Some(requirements) = &context.requirements else { return };
    for item in &requirements.items {
        let Some(installed) = packages::preinstalled_version(&item.name) else { continue };
        let Some(wanted) = item.lower_bound() else { continue };
        let (Some(new), Some(old)) = (wanted.first(), version(installed).first().copied()) else { continue };
        // `>=2` is content with a pre-installed 3.
        let replaces = *new > old || (*new < old && item.specifiers.starts_with("=="));
        if replaces {
            let message = format!("`{}` replaces the pre-installed {installed} by another major version", item.specifiers);
            findings
                .at(&requirements.files[item.file], item.span, message)
                .hint(format!("pin what the app uses beside `{}` too, and try it with `brickyard run`", item.name));
        }
    }
}
