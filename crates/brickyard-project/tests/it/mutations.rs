//! Whatever the files hold, the check ends with findings or an error: no panic, no hang.

use std::path::Path;
use std::time::Duration;

use brickyard_project::check::{self, Options};
use brickyard_testing::Mutations;

const YAML: &[&str] = &[
    "command: [streamlit, run, app.py]\nenv:\n  - name: A\n    valueFrom: sql-warehouse\n  - {name: B, value: \"8\"}\n",
    "bundle: {name: x}\ninclude: ['*.yml']\nresources:\n  apps:\n    a: &a\n      name: a\n      source_code_path: .\n      config: {command: [python, app.py], env: [{name: X, value_from: y}]}\n",
    "a: &x [1, 2]\nb: *x\nc: |\n  text\n  more\nd: >-\n  folded\n? key\n: value\n",
];

const PYTHON: &[&str] = &[
    "import os\nimport streamlit as st\nfrom databricks import sql\n\n@st.cache_resource\ndef get(a: str = \"x\"):\n    with sql.connect(http_path=f\"/sql/{os.environ['W']!r:>{10}}\") as c:\n        return c\n\nif __name__ == \"__main__\":\n    x = [i for i in range(3) if i]\n    print(f\"{x}\" + 'a' 'b', *x, **{})\n",
    "class A(B, metaclass=C):\n    async def f(self, *a, k=1, **kw) -> int:\n        try:\n            await g()\n        except* E as e:\n            raise\n        finally:\n            pass\n        match x:\n            case {\"a\": [1, *r], **k} if r: ...\n            case _: return lambda y: (yield y)\n",
];

/// Runs work on a thread of its own and fails if it does not end.
fn within(seconds: u64, work: impl FnOnce() + Send + 'static) {
    let (done, wait) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new()
        .stack_size(brickyard_project::python::STACK)
        .spawn(move || {
            work();
            let _ = done.send(());
        })
        .unwrap();
    if wait.recv_timeout(Duration::from_secs(seconds)) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
        panic!("no end after {seconds} s");
    }
    thread.join().unwrap();
}

fn check(dir: &Path) -> usize {
    check::check(dir, &Options { threads: 1, ..Options::default() }).map_or(0, |report| report.findings.len())
}

#[test]
fn mutated_apps_never_panic() {
    within(300, || {
        let mut mutations = Mutations::new(99);
        for round in 0..150 {
            let dir = tempfile::tempdir().unwrap();
            let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
            write("app.yaml", &mutations.mutate(YAML[0].as_bytes()));
            write("databricks.yml", &mutations.mutate(YAML[1].as_bytes()));
            write(
                "requirements.txt",
                &mutations.mutate("streamlit==1.38.0\n-r requirements.txt\nopenai>=1 # x\n".as_bytes()),
            );
            write("package.json", &mutations.mutate("{\"scripts\": {\"start\": \"x\"}}".as_bytes()));
            write(".gitignore", &mutations.mutate("dist/\n!x\n*.py[co]\n".as_bytes()));
            for index in 0..12 {
                write(
                    &format!("m{index}.py"),
                    &mutations.mutate(PYTHON[(round + index) % PYTHON.len()].as_bytes()),
                );
            }
            let report = check::check(dir.path(), &Options { threads: 1, ..Options::default() });
            let report = report.unwrap();
            for (format, _) in check::render::Format::ALL {
                check::render::render(&report.findings, format, dir.path());
            }
            for file in check::apply(&report.findings, true) {
                check::diff(&file);
            }
        }
    });
}

#[test]
fn deep_and_endless_code_ends() {
    within(300, || {
        let deep: Vec<String> = vec![
            "(".repeat(100_000),
            format!("x = {}1{}", "(".repeat(150), ")".repeat(150)),
            format!("x = {}1", "-".repeat(200_000)),
            format!("x = {}1", "not ".repeat(100_000)),
            format!("x = {}1", "1+".repeat(200_000)),
            format!("x = a{}", ".b".repeat(200_000)),
            format!("x = a{}", "()".repeat(100_000)),
            format!("x = {}1", "lambda: ".repeat(100_000)),
            format!("x = {}1", "1 if 1 else ".repeat(100_000)),
            format!("x = {}1", "a := ".repeat(100_000)),
            format!("x = {}1", "1 **".repeat(100_000)),
            format!(
                "{}pass",
                (0..3_000).map(|depth| format!("{}if 1:\n", " ".repeat(depth))).collect::<String>()
                    + &" ".repeat(3_000)
            ),
            format!("if 1: pass\n{}", "elif 1: pass\n".repeat(20_000)),
            "f\"{".repeat(20_000),
            // Names that stand for themselves and for each other.
            "import flask\nport = int(port)\nport = port or str(port)\na = b or a\nb = a or b\nhost = str(host)\n\
             flask.Flask(__name__).run(port=port, host=host)\nflask.Flask(__name__).run(port=a)\n"
                .to_owned(),
            (0..60).map(|_| "x = y or z\ny = z or x\nz = x or y\n").collect::<String>()
                + "import flask\nflask.Flask(__name__).run(port=x)\n",
            format!("x = {}", "await ".repeat(50_000)),
            format!("x = {}1", "1 and ".repeat(100_000)),
            format!("x = 1{}", " < 1".repeat(100_000)),
            "async ".repeat(100_000),
            "@a\n".repeat(100_000),
            format!("del {}", "*".repeat(100_000)),
            "class A:\n".to_owned()
                + &(1..2_000).map(|depth| format!("{}class A:\n", " ".repeat(depth))).collect::<String>(),
        ];
        for code in deep {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("app.py"), &code).unwrap();
            check(dir.path());
        }
    });
}

#[test]
fn odd_trees_end() {
    within(300, || {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("app.yaml"), "command: [python, app.py]\n").unwrap();
        std::fs::write(at("app.py"), b"\x7fELF\0\0\xff\xfe").unwrap();
        std::fs::create_dir(at("requirements.txt")).unwrap();
        std::fs::write(
            at("databricks.yml"),
            "include: ['*.yml', '**/*.yml']\nresources: {apps: {a: {source_code_path: .}}}\n",
        )
        .unwrap();
        std::fs::create_dir(at("sub")).unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path(), at("sub/loop")).unwrap();
            std::os::unix::fs::symlink("b", at("a")).unwrap();
            std::os::unix::fs::symlink("a", at("b")).unwrap();
            std::os::unix::fs::symlink("/dev/zero", at("zero.py")).unwrap();
        }
        let file = std::fs::File::create(at("huge.py")).unwrap();
        file.set_len(100 << 20).unwrap();
        let report = check::check(dir.path(), &Options::default()).unwrap();
        let codes: Vec<&str> = report.findings.iter().map(|finding| finding.rule.code).collect();
        assert!(codes.contains(&"BY002"), "{codes:?}");
        assert!(codes.contains(&"BY701"), "{codes:?}");
        assert!(check::check(&at("nowhere"), &Options::default()).is_err());
    });
}

#[test]
fn bombs_and_depth_in_any_file_are_findings() {
    within(300, || {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let before = format!("*a{}, ", level - 1).repeat(9);
            bomb.push_str(
                &["a", &level.to_string(), ": &a", &level.to_string(), " [", &before, "]\n"].concat(),
            );
        }
        let brackets = "[".repeat(100_000);
        let files: [(&str, String); 9] = [
            ("app.yaml", bomb.clone()),
            ("databricks.yml", bomb.clone()),
            ("manifest.yaml", bomb),
            ("app.yaml", brackets.clone()),
            ("databricks.yml", "a: &a [*a]\n".to_owned()),
            ("package.json", brackets.clone()),
            ("pyproject.toml", format!("a = {brackets}")),
            ("brickyard.toml", format!("a = {}1", "{a = ".repeat(50_000))),
            ("app.py", format!("x = {brackets}")),
        ];
        for (name, text) in files {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("app.py"), "print(1)\n").unwrap();
            std::fs::write(dir.path().join(name), text).unwrap();
            let report = check::check(dir.path(), &Options { threads: 1, ..Options::default() }).unwrap();
            let told = report.findings.iter().any(|finding| {
                matches!(finding.rule.code, "BY002" | "BY101" | "BY305")
                    && finding.source.path.ends_with(name)
            });
            assert!(told, "{name}: {:?}", report.findings);
        }
    });
}
