use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::packages;

declare_rule! {
    /// ## What it does
    /// Finds requirements without a version.
    ///
    /// ## Why is this bad?
    /// Each deployment may install another version. For a pre-installed package a requirement without a version does
    /// nothing at all: the pre-installed version stays.
    ///
    /// ## Example
    /// ```text
    /// openai
    /// ```
    /// Use instead:
    /// ```text
    /// openai==1.99.1
    /// ```
    pub(crate) static RULE = { code: "BY306", name: "unpinned-requirement", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some(requirements) = &context.requirements else { return };
    for item in requirements.items.iter().filter(|item| !item.is_pinned()) {
        let source = &requirements.files[item.file];
        match packages::preinstalled_version(&item.name) {
            Some(version) => {
                findings
                    .at(source, item.span, format!("`{}` without a version keeps the pre-installed {version}", item.name))
                    .level(crate::check::Level::Info)
                    .hint(format!("write `{}=={version}`, or the version you need", item.name));
            }
            None if packages::comes_preinstalled(&item.name) => {
                findings
                    .at(source, item.span, format!("`{}` without a version keeps what comes with the pre-installed packages", item.name))
                    .level(crate::check::Level::Info)
                    .hint(format!("write `{}==` and the version you need", item.name));
            }
            None => {
                findings
                    .at(source, item.span, format!("`{}` has no version, so each deployment may install another", item.name))
                    .hint(format!("write `{}==` and the version you tested with", item.name));
            }
        }
    }
}
