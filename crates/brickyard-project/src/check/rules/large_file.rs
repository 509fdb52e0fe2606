use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::source::Source;

declare_rule! {
    /// ## What it does
    /// Finds files larger than 10 MB.
    ///
    /// ## Why is this bad?
    /// The platform refuses the deployment: `larger than the maximum allowed file size of 10485760 bytes`.
    ///
    /// ## Example
    /// `data/trips.parquet` with 40 MB. Put it into a volume instead.
    pub(crate) static RULE = { code: "BY701", name: "large-file", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    for (name, size) in context.files.iter().filter(|(_, size)| *size > 10_485_760) {
        findings
            .at(&Source::new(context.dir.join(name), ""), 0..0, format!("This file has {size} bytes, more than the 10485760 allowed"))
            .hint("put it into a volume, or add it to `.gitignore`");
    }
}
