use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use super::Row;
use super::report::{Aim, Measured};
use super::rig::{Rig, median};
use crate::command::root;

pub(crate) const ROW: Row = Row {
    name: "check",
    about: "`check` of a tree of Python files, against `ruff check`; of one app, and of 5,000 files",
    by_name: false,
    measure,
};

/// The peer, from the package index, without its cache and with its own defaults.
const RUFF: &str = "ruff==0.17.5";
const ROUNDS: usize = 15;
/// Runs a program and prints what it held at most, in KiB: the kernel counts, so that no moment is missed.
const HIGHEST: &str = "import resource, subprocess, sys\ncode = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode\nprint(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\nsys.exit(code)\n";

fn measure(rig: &Rig) -> Result<Vec<Measured>, String> {
    let (tree, lines) = app_of(rig, "check-160", 160, 250)?;
    let ruff = ruff(rig)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(check(rig, &tree)?);
        let mut command = Command::new(&ruff);
        command.args(["check", "--no-cache", "--isolated", "--quiet"]).current_dir(&tree);
        theirs.push(milliseconds(&mut command)?);
    }
    let (big, _) = app_of(rig, "check-5000", 5_000, 40)?;
    let big_wall: Vec<f64> = (0..5).map(|_| check(rig, &big)).collect::<Result<_, _>>()?;
    let mut command = Command::new("python3");
    command.args(["-c", HIGHEST]).arg(rig.brickyard(&[]).get_program()).arg("check").arg(&big);
    let text = Rig::output(command.env("HOME", rig.folder()))?;
    let highest: f64 = text.trim().parse().map_err(|error| format!("no figure from Python: {error}"))?;
    let app = root().join("examples/flask-taxi");
    let one: Vec<f64> = (0..ROUNDS).map(|_| check(rig, &app)).collect::<Result<_, _>>()?;
    Ok(vec![
        Measured {
            what: format!("`check` of 160 files with {lines} lines, no cache"),
            unit: "ms",
            ours: median(ours),
            peer: Some((RUFF, median(theirs))),
            aim: Aim::RatioAtMost(1.5),
        },
        Measured {
            what: "`check` of one app".to_owned(),
            unit: "ms",
            ours: median(one),
            peer: None,
            aim: Aim::AtMost(15.0),
        },
        Measured {
            what: "`check` of 5,000 files".to_owned(),
            unit: "ms",
            ours: median(big_wall),
            peer: None,
            aim: Aim::AtMost(1_000.0),
        },
        Measured {
            what: "`check` of 5,000 files, memory at most".to_owned(),
            unit: "MB",
            ours: highest / 1024.0,
            peer: None,
            aim: Aim::AtMost(200.0),
        },
    ])
}

fn check(rig: &Rig, folder: &Path) -> Result<f64, String> {
    milliseconds(rig.brickyard(&["check", "--quiet"]).arg(folder))
}

fn milliseconds(command: &mut Command) -> Result<f64, String> {
    let start = Instant::now();
    Rig::output(command)?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

/// The peer in an environment of its own, kept for the next run.
fn ruff(rig: &Rig) -> Result<PathBuf, String> {
    let place = rig.cache().join(RUFF.replace("==", "-"));
    let program = place.join("bin/ruff");
    if !program.is_file() {
        Rig::output(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", RUFF];
        Rig::output(Command::new(place.join("bin/python")).args(install))?;
    }
    Ok(program)
}

/// An app whose files all belong to it: each imports the next ones of its package. Both linters find nothing in it, so
/// that neither is measured at printing. Returns its folder and the lines it has.
fn app_of(rig: &Rig, name: &str, files: usize, lines: usize) -> Result<(PathBuf, usize), String> {
    const PACKAGE: usize = 40;
    let mut sources = vec![
        ("app.yaml".to_owned(), "command: [\"python\", \"app.py\"]\n".to_owned()),
        ("requirements.txt".to_owned(), "httpx==0.27.2\n".to_owned()),
    ];
    let modules = files - 1;
    let mut entry = String::from("\"\"\"The app.\"\"\"\n\n");
    for package in 0..modules.div_ceil(PACKAGE) {
        let _ = writeln!(entry, "from package_{package} import module_{}", package * PACKAGE);
    }
    entry.push_str("\nfor first in (\n");
    for package in 0..modules.div_ceil(PACKAGE) {
        let _ = writeln!(entry, "    module_{},", package * PACKAGE);
    }
    entry.push_str("):\n    print(first.step_0(1, [\"a\"]))\n");
    let mut written = entry.lines().count();
    sources.push(("app.py".to_owned(), entry));
    for index in 0..modules {
        let package = index / PACKAGE;
        let next = (index + 1 < modules && (index + 1) / PACKAGE == package).then_some(index + 1);
        let text = module(package, next, lines);
        written += text.lines().count();
        sources.push((format!("package_{package}/module_{index}.py"), text));
    }
    let borrowed: Vec<(&str, &str)> =
        sources.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Ok((rig.app(name, &borrowed)?, written))
}

/// A module as apps have them: settings from the environment, records, functions with branches, loops and f-strings.
pub(super) fn module(package: usize, next: Option<usize>, lines: usize) -> String {
    let mut text = String::from(
        "\"\"\"Generated.\"\"\"\n\nimport json\nimport os\nfrom dataclasses import dataclass\n\nimport httpx\n",
    );
    if let Some(next) = next {
        let _ = write!(text, "\nfrom package_{package} import module_{next}\n");
    }
    text.push_str("\nLIMIT = int(os.environ.get(\"LIMIT\", \"100\"))\n\n\n@dataclass\nclass Row:\n    name: str\n    count: int = 0\n");
    let mut step = 0;
    while text.lines().count() + 17 <= lines {
        let _ = write!(
            text,
            "\n\ndef step_{step}(factor: int, names: list[str]) -> dict[str, int]:\n    \"\"\"Counts.\"\"\"\n    rows = [Row(name=name, count=index * factor) for index, name in enumerate(names)]\n    found: dict[str, int] = {{}}\n    for row in rows:\n        if row.count > LIMIT and row.name not in found:\n            found[row.name] = row.count % {modulus}\n        elif row.name.startswith(\"a\"):\n            found[f\"{{row.name}}-{step}\"] = len(json.dumps({{\"name\": row.name, \"count\": row.count}}))\n    try:\n        found[\"total\"] = sum(found.values()) // (factor or 1)\n    except (TypeError, ValueError) as error:\n        raise RuntimeError(f\"step {step}: {{error}}\") from error\n    return found\n",
            modulus = step % 7 + 2,
        );
        step += 1;
    }
    text.push_str("\n\ndef ask(url: str) -> object:\n    \"\"\"Asks.\"\"\"\n    return httpx.get(url, timeout=5).json()\n");
    if let Some(next) = next {
        let _ = write!(
            text,
            "\n\ndef more(names: list[str]) -> dict[str, int]:\n    \"\"\"Asks the next.\"\"\"\n    return module_{next}.step_0(2, names)\n"
        );
    }
    text
}
