use std::io::{Read, Write};
use std::net::TcpStream;

use crate::harness::{DEVELOPER, PREINSTALLED, TODAY, environment, start};

/// Both generations of the SDK upload, list, read, and delete files and directories.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_moves_files_through_a_volume() {
    let script = r#"
import io
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import AlreadyExists, BadRequest, NotFound
w = WorkspaceClient()
root = "/Volumes/main/default/raw"
def refused(call, kind):
    try:
        call()
    except kind as error:
        print(kind.__name__)
w.files.upload(root + "/in/ä b%20.csv", io.BytesIO(b"a,b\n1,2\n"))
refused(lambda: w.files.upload(root + "/in/ä b%20.csv", io.BytesIO(b"x")), AlreadyExists)
w.files.upload(root + "/in/ä b%20.csv", io.BytesIO(b"a,b\n3,4\n"), overwrite=True)
print(w.files.download(root + "/in/ä b%20.csv").contents.read())
found = w.files.get_metadata(root + "/in/ä b%20.csv")
print(found.content_length, found.content_type, bool(found.last_modified))
w.files.create_directory(root + "/a/b")
for number in range(5):
    w.files.upload(f"{root}/a/{number}", io.BytesIO(b""))
print([(e.name, e.is_directory, e.file_size) for e in w.files.list_directory_contents(root + "/a", page_size=2)])
refused(lambda: w.files.delete_directory(root + "/a"), BadRequest)
w.files.delete_directory(root + "/a/b")
w.files.get_directory_metadata(root + "/a")
refused(lambda: w.files.get_directory_metadata(root + "/a/b"), NotFound)
w.files.delete(root + "/in/ä b%20.csv")
refused(lambda: w.files.download(root + "/in/ä b%20.csv"), NotFound)
refused(lambda: w.files.upload("/Volumes/main/default/absent/x", io.BytesIO(b"")), NotFound)
"#;
    let expected = "AlreadyExists\n\
        b'a,b\\n3,4\\n'\n\
        8 application/octet-stream True\n\
        [('0', False, 0), ('1', False, 0), ('2', False, 0), ('3', False, 0), ('4', False, 0), ('b', True, None)]\n\
        BadRequest\nNotFound\nNotFound\nNotFound\n";
    for requirements in [TODAY, PREINSTALLED] {
        let running = start().await;
        running.handle.create_volume("main.default.raw").unwrap();
        let token = running.handle.create_personal_access_token(DEVELOPER).unwrap();
        let mut variables = running.handle.client_environment();
        variables.push(("DATABRICKS_TOKEN".to_owned(), token));
        let printed = running.python_with(&environment(requirements).await, &variables, script).await;
        assert_eq!(printed, expected, "{requirements:?}");
    }
}

/// A large file goes up in parts and comes down through a signed address; a range of it streams.
#[tokio::test(flavor = "multi_thread")]
async fn large_files_go_in_parts_and_by_signed_urls() {
    let running = start().await;
    running.handle.create_volume("main.default.raw").unwrap();
    let token = running.handle.create_personal_access_token(DEVELOPER).unwrap();
    let mut variables = running.handle.client_environment();
    variables.push(("DATABRICKS_TOKEN".to_owned(), token));
    let script = r#"
import hashlib, io, os, httpx
from databricks.sdk import WorkspaceClient
w = WorkspaceClient()
path = "/Volumes/main/default/raw/big.bin"
content = bytes(range(256)) * 4096 * 51
w.files.upload(path, io.BytesIO(content), overwrite=True)
back = w.files.download(path).contents.read()
print(len(back) == len(content), hashlib.sha256(back).digest() == hashlib.sha256(content).digest())
w.files.download_to(path, "copy.bin")
print(open("copy.bin", "rb").read() == content)
url = f"https://{os.environ['DATABRICKS_HOST']}/api/2.0/fs/files{path}"
answer = httpx.get(url, headers={**w.config.authenticate(), "Range": "bytes=1000-1009"})
print(answer.status_code, answer.content == content[1000:1010], answer.headers["content-range"])
signed = w.api_client.do("POST", "/api/2.0/fs/create-download-url", query={"path": path})["url"]
print(httpx.get(signed).content == content, httpx.delete(signed).status_code, httpx.put(signed, content=b"x").status_code)
print(httpx.get(signed.replace("big.bin", "other.bin")).status_code, httpx.get(signed.split("?")[0]).status_code)
"#;
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    let expected = "True True\nTrue\n206 True bytes 1000-1009/53477376\nTrue 403 403\n403 403\n";
    assert_eq!(printed, expected);
    let left = std::fs::read_dir(running.directory.path().join("state/uploads")).unwrap().count();
    assert_eq!(left, 0, "nothing half-written stays");
}

/// An upload in parts whose source breaks is dropped by the SDK, which hears that it was.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_leaves_nothing() {
    let running = start().await;
    running.handle.create_volume("main.default.raw").unwrap();
    let token = running.handle.create_personal_access_token(DEVELOPER).unwrap();
    let mut variables = running.handle.client_environment();
    variables.push(("DATABRICKS_TOKEN".to_owned(), token));
    let script = r#"
import io, logging
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
w = WorkspaceClient()
said = []
class Said(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())
logging.getLogger("databricks.sdk").addHandler(Said())
class Broken(io.RawIOBase):
    left = 60 * 1024 * 1024
    def read(self, size=-1):
        if self.left <= 0:
            raise OSError("the disk is gone")
        size = min(size, self.left)
        self.left -= size
        return bytes(size)
path = "/Volumes/main/default/raw/broken.bin"
try:
    w.files.upload(path, Broken(), overwrite=True, use_parallel=False)
except OSError as error:
    print(error, said)
try:
    w.files.get_metadata(path)
except NotFound:
    print("not there")
"#;
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    assert_eq!(printed, "the disk is gone []\nnot there\n");
    let left = std::fs::read_dir(running.directory.path().join("state/uploads")).unwrap().count();
    assert_eq!(left, 0, "the parts that came are gone");
}

/// No way of writing a path leads out of the volume.
#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_out_of_a_volume() {
    let running = start().await;
    let root = running.handle.create_volume("main.default.raw").unwrap();
    for outside in ["../outside", "../../../outside"] {
        std::fs::write(root.join(outside), "secret").unwrap();
    }
    std::os::unix::fs::symlink("/etc", root.join("link")).unwrap();
    let token = running.handle.create_personal_access_token(DEVELOPER).unwrap();
    for inside in [
        "../../../outside",
        "%2e%2e/%2e%2e/%2e%2e/outside",
        "..%2f..%2f..%2foutside",
        "a/../../../../outside",
        "link/passwd",
        "%00",
        "..%5c..%5coutside",
        "/etc/passwd",
    ] {
        let line = format!("GET /api/2.0/fs/files/Volumes/main/default/raw/{inside} HTTP/1.1");
        let url = running.handle.http_url();
        let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        let rest = format!("Host: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
        write!(stream, "{line}\r\n{rest}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 40"), "{inside}: {answer}");
        assert!(!answer.contains("secret") && !answer.contains("root:"), "{inside}: {answer}");
    }
}
