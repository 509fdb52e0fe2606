//! Children never outlive their parent, and end as gently as they let us.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use crate::rig::{lives, until, warden};

/// Forks a grandchild into a session of its own that ignores SIGTERM, prints both pids, and waits.
const FAMILY: &str = "
import os, signal, sys, time
ready, tell = os.pipe()
pid = os.fork()
if pid == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(tell, str(os.getpid()).encode())
    time.sleep(600)
os.waitpid(pid, 0)
print(os.getpid(), os.read(ready, 20).decode(), flush=True)
time.sleep(600)
";

fn guarded(grace: &str, program: &str) -> Command {
    let mut command = Command::new(&warden()[0]);
    command.args(["--grace-ms", grace, "--", "python3", "-c", program]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// Waits for the end; `wait` by itself would close the pipe that says we live.
fn ended(mut child: Child) -> std::process::ExitStatus {
    let _lifeline = child.stdin.take();
    child.wait().unwrap()
}

fn numbers(child: &mut Child) -> Vec<u32> {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_closed_pipe_ends_the_whole_family() {
    let mut child = guarded("200", FAMILY).spawn().unwrap();
    let family = numbers(&mut child);
    assert!(family.len() == 2 && family.iter().all(|pid| lives(*pid)), "{family:?}");
    drop(child.stdin.take());
    until("the family has gone", async || !family.iter().any(|pid| lives(*pid))).await;
    child.wait().unwrap();
}

#[tokio::test]
async fn kill_9_of_the_parent_leaves_no_child() {
    let parent = format!(
        "import subprocess, sys, time\n\
         child = subprocess.Popen([{:?}, '--grace-ms', '200', '--', 'python3', '-c', sys.argv[1]], stdin=subprocess.PIPE)\n\
         time.sleep(600)",
        warden()[0].to_str().unwrap()
    );
    let mut parent =
        Command::new("python3").args(["-c", &parent, FAMILY]).stdout(Stdio::piped()).spawn().unwrap();
    let family = numbers(&mut parent);
    assert!(family.len() == 2 && family.iter().all(|pid| lives(*pid)), "{family:?}");
    parent.kill().unwrap();
    parent.wait().unwrap();
    until("the family has gone", async || !family.iter().any(|pid| lives(*pid))).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn kill_9_of_the_warden_leaves_no_child() {
    let mut child =
        guarded("200", "import os, time; print(os.getpid(), flush=True); time.sleep(600)").spawn().unwrap();
    let app = numbers(&mut child)[0];
    assert!(lives(app));
    child.kill().unwrap();
    ended(child);
    until("the child has gone", async || !lives(app)).await;
}

/// Where no control group is to be had, the tree is bound to as many processors as it may use.
#[cfg(target_os = "linux")]
#[test]
fn processors_are_limited() {
    use brickyard_runner::warden::{Limits, LimitsApplied};
    let limits = Limits { cpus: Some(1), memory_bytes: None };
    let mut command = Command::new(&warden()[0]);
    command.args(["--cpus", "1", "--", "python3", "-c"]);
    command.arg("import os, subprocess, sys; print(len(os.sched_getaffinity(0)), flush=True)");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let seen = numbers(&mut child);
    assert!(ended(child).success());
    // A control group limits time and not places.
    assert!(seen == [1] || limits.applied() == LimitsApplied::ControlGroup, "{seen:?}");
}

/// Where this process may make control groups, the limits are those of the kernel, for the whole tree, and the group goes
/// with the tree; elsewhere they are those of each process.
#[cfg(target_os = "linux")]
#[test]
fn limits_are_set_in_the_kernel() {
    use brickyard_runner::warden::{Limits, LimitsApplied};
    const PROGRAM: &str = r#"
import os, resource
def read(*names):
    for name in names:
        if os.path.exists(name):
            word = open(name).read().split()[0]
            return int(word) if word.isdigit() else -1
    return -1
at = {}
for line in open("/proc/self/cgroup"):
    _, controllers, path = line.strip().split(":", 2)
    for controller in controllers.split(","):
        at[controller] = path
root = "/sys/fs/cgroup"
def place(controller):
    path = at.get(controller, "/")
    if "brickyard-" not in path:
        return root + at.get("", "/")
    inside = f"{root}/{controller}{path}"
    return inside if os.path.isdir(inside) else f"{root}/{controller}/{os.path.basename(path)}"
cpu = read(place("cpu") + "/cpu.max", place("cpu") + "/cpu.cfs_quota_us")
memory = read(place("memory") + "/memory.max", place("memory") + "/memory.limit_in_bytes")
print(max(cpu, 0), max(memory, 0), max(resource.getrlimit(resource.RLIMIT_DATA)[0], 0), flush=True)
"#;
    let memory: u32 = 512 * 1024 * 1024;
    let limits = Limits { cpus: Some(1), memory_bytes: Some(memory.into()) };
    let mut command = Command::new(&warden()[0]);
    command.args(["--cpus", "1", "--memory", &memory.to_string(), "--", "python3", "-c", PROGRAM]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let group = format!("brickyard-{}", child.id());
    let seen = numbers(&mut child);
    assert!(ended(child).success());
    if limits.applied() == LimitsApplied::ControlGroup {
        assert_eq!(seen[..2], [100_000, memory]);
    } else {
        assert_eq!(seen[2], memory);
    }
    let left: Vec<_> = ["cpu", "memory", "."]
        .map(|name| std::path::Path::new("/sys/fs/cgroup").join(name).join(&group))
        .into();
    assert!(left.iter().all(|path| !path.exists()), "{left:?}");
}

/// A child that keeps our standard input and our place at the terminal ends with us all the same.
#[tokio::test]
async fn an_attached_child_has_our_input_and_dies_with_us() {
    let lifeline = brickyard_runner::warden::Lifeline::new().unwrap();
    let program = "import os, sys; print(os.getpid(), flush=True); line = sys.stdin.readline(); print(len(line), flush=True); sys.stdin.read()";
    let mut child = Command::new(&warden()[0])
        .args(["--grace-ms", "200", "--attached"])
        .arg(lifeline.path())
        .args(["--", "python3", "-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let pid: u32 = said.next().unwrap().unwrap().parse().unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"four\n").unwrap();
    assert_eq!(said.next().unwrap().unwrap(), "5");
    assert!(lives(pid) && !lifeline.path().exists(), "the name is gone once it was used");
    // As our death would close it.
    drop(lifeline);
    until("the child has gone", async || !lives(pid)).await;
    child.wait().unwrap();
}

#[test]
fn the_exit_code_is_the_childs() {
    for (program, code) in [("raise SystemExit(0)", 0), ("raise SystemExit(7)", 7)] {
        assert_eq!(ended(guarded("200", program).spawn().unwrap()).code(), Some(code));
    }
    let killed = ended(guarded("200", "import os; os.kill(os.getpid(), 9)").spawn().unwrap());
    assert_eq!(killed.signal(), Some(9));
}

#[test]
fn a_command_that_is_not_there_is_told() {
    let mut command = Command::new(&warden()[0]);
    let child = command.args(["--", "no-such-program"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(ended(child).code(), Some(127));
    assert!(said.contains("`no-such-program` could not be started"), "{said}");
}

#[test]
fn orphans_are_stopped_when_the_child_ends() {
    const LEAVES_ONE: &str = "
import os, time
pid = os.fork()
if pid == 0:
    os.setsid()
    os.close(1)
    time.sleep(600)
print(pid, flush=True)
";
    let mut child = guarded("200", LEAVES_ONE).spawn().unwrap();
    let orphan = numbers(&mut child)[0];
    assert!(ended(child).success());
    assert!(!lives(orphan));
}
