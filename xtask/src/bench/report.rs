use std::fmt;
use std::io::Write as _;

use crate::command::{output, root, say};

/// What a figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Aim {
    /// Ours divided by the peer's, at least.
    RatioAtLeast(f64),
    /// Ours divided by the peer's, at most.
    RatioAtMost(f64),
    /// Ours alone, at most.
    AtMost(f64),
    /// Nothing: the figure is there to be known.
    None,
}

/// One figure of ours, and of a peer measured in the same run.
pub(crate) struct Measured {
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    pub(crate) ours: f64,
    /// Who the peer is and what it reached.
    pub(crate) peer: Option<(&'static str, f64)>,
    pub(crate) aim: Aim,
}

impl Measured {
    fn ratio(&self) -> Option<f64> {
        self.peer.map(|(_, theirs)| self.ours / theirs)
    }

    fn reached(&self) -> &'static str {
        let reached = match (self.aim, self.ratio()) {
            (Aim::None, _) => return "–",
            (Aim::RatioAtLeast(aim), Some(ratio)) => ratio >= aim,
            (Aim::RatioAtMost(aim), Some(ratio)) => ratio <= aim,
            (Aim::AtMost(aim), _) => self.ours <= aim,
            (_, None) => false,
        };
        if reached { "yes" } else { "**no**" }
    }

    fn aim(&self) -> String {
        match self.aim {
            Aim::RatioAtLeast(aim) => format!("≥ {aim} ×"),
            Aim::RatioAtMost(aim) => format!("≤ {aim} ×"),
            Aim::AtMost(aim) => format!("≤ {aim} {}", self.unit),
            Aim::None => "–".to_owned(),
        }
    }

    fn cells(&self) -> [String; 6] {
        let amount = |value: f64| if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") };
        [
            self.what.clone(),
            format!("{} {}", amount(self.ours), self.unit),
            self.peer.map_or_else(
                || "–".to_owned(),
                |(who, theirs)| format!("{who}: {} {}", amount(theirs), self.unit),
            ),
            self.ratio().map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2} ×")),
            self.aim(),
            self.reached().to_owned(),
        ]
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [what, ours, peer, ratio, aim, reached] = self.cells();
        write!(formatter, "{what}: {ours}, {peer}, {ratio}, aim {aim}: {}", reached.trim_matches('*'))
    }
}

fn table(measured: &[Measured]) -> String {
    let mut text = String::from(
        "| what | brickyard | peer | ratio | aim | reached |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for figure in measured {
        text.push_str(&format!("| {} |\n", figure.cells().join(" | ")));
    }
    text
}

/// The table on stdout.
pub(crate) fn print(measured: &[Measured]) {
    let _ = write!(std::io::stdout().lock(), "{}", table(measured));
}

/// The table as a page, under the machine and versions it was measured on. Rows that were not measured keep the figures
/// they had.
pub(crate) fn write(measured: &[Measured]) -> Result<(), String> {
    let path = root().join("docs/BENCHMARKS.md");
    let fresh = table(measured);
    let mut rows: Vec<String> = std::fs::read_to_string(&path)
        .unwrap_or_default()
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(2)
        .map(str::to_owned)
        .collect();
    let what = |line: &str| line.split(" | ").next().unwrap_or_default().to_owned();
    for line in fresh.lines().skip(2) {
        match rows.iter_mut().find(|old| what(old) == what(line)) {
            Some(old) => line.clone_into(old),
            None => rows.push(line.to_owned()),
        }
    }
    let head: Vec<&str> = fresh.lines().take(2).collect();
    let text = format!(
        "# Benchmarks\n\nWritten by `cargo xtask bench --write`: brickyard (release build) and the peer in turn, each row in one run, on one machine. Each\nfigure is the median of its rounds.\n\n{}\n{}\n{}\n",
        machine()?,
        head.join("\n"),
        rows.join("\n")
    );
    std::fs::write(&path, text).map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
    say("wrote docs/BENCHMARKS.md");
    Ok(())
}

fn machine() -> Result<String, String> {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let model = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            text.lines().find_map(|line| {
                line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim().to_owned())
            })
        })
        .unwrap_or_else(|| "unknown processor".to_owned());
    let memory = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok())
        .map_or_else(String::new, |kilobytes| format!(", {} GiB of memory", kilobytes.div_ceil(1 << 20)));
    let rust = output("rustc", &["--version"])?;
    Ok(format!("Machine: {cpus} cores ({model}){memory}; {}; {}.\n", std::env::consts::OS, rust.trim()))
}
