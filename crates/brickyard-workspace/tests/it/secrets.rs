use crate::harness::{ADA, DEVELOPER, TODAY, environment, start};

/// The SDK makes a scope, writes and reads secrets; who has no grant reads nothing, and the store holds no plain text.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_keeps_and_reads_secrets() {
    let running = start().await;
    let mut variables = running.handle.client_environment();
    for (name, owner) in [("ADMIN_TOKEN", DEVELOPER), ("ADA_TOKEN", ADA)] {
        variables.push((name.to_owned(), running.handle.create_personal_access_token(owner).unwrap()));
    }
    let script = r#"
import base64, os
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, PermissionDenied, ResourceAlreadyExists
from databricks.sdk.service.workspace import AclPermission
admin, ada = (WorkspaceClient(token=os.environ[name]) for name in ("ADMIN_TOKEN", "ADA_TOKEN"))
def refused(call, kind):
    try:
        call()
    except kind as error:
        print(kind.__name__, str(error).split(". Config")[0])
admin.secrets.create_scope("keys")
refused(lambda: admin.secrets.create_scope("keys"), ResourceAlreadyExists)
admin.secrets.put_secret("keys", "a/b", string_value="tell-nobody-ü")
admin.secrets.put_secret("keys", "raw", bytes_value=base64.b64encode(b"\x00\xff").decode())
print(base64.b64decode(admin.secrets.get_secret("keys", "a/b").value).decode(), admin.dbutils.secrets.get("keys", "a/b"))
print(base64.b64decode(admin.secrets.get_secret("keys", "raw").value), [s.key for s in admin.secrets.list_secrets("keys")])
refused(lambda: ada.secrets.get_secret("keys", "a/b"), PermissionDenied)
print([s.name for s in ada.secrets.list_scopes()])
admin.secrets.put_acl("keys", "ada@example.com", AclPermission.READ)
print(base64.b64decode(ada.secrets.get_secret("keys", "a/b").value).decode(), [s.name for s in ada.secrets.list_scopes()])
refused(lambda: ada.secrets.put_secret("keys", "a/b", string_value="x"), PermissionDenied)
refused(lambda: ada.secrets.delete_scope("keys"), PermissionDenied)
print([(a.principal, a.permission.value) for a in admin.secrets.list_acls("keys")])
assert admin.secrets.get_acl("keys", "ada@example.com").permission is AclPermission.READ
admin.secrets.delete_acl("keys", "ada@example.com")
refused(lambda: ada.secrets.get_secret("keys", "a/b"), PermissionDenied)
refused(lambda: admin.secrets.get_secret("keys", "absent"), NotFound)
refused(lambda: admin.secrets.get_secret("absent", "absent"), NotFound)
admin.secrets.delete_secret("keys", "raw")
print([s.key for s in admin.secrets.list_secrets("keys")])
admin.secrets.create_scope("gone")
admin.secrets.delete_scope("gone")
assert [s.name for s in admin.secrets.list_scopes()] == ["keys"]
"#;
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    let expected = "ResourceAlreadyExists Scope keys already exists!\n\
        tell-nobody-ü tell-nobody-ü\n\
        b'\\x00\\xff' ['a/b', 'raw']\n\
        PermissionDenied ada@example.com does not have READ permissions on secret scope 'keys'\n\
        []\n\
        tell-nobody-ü ['keys']\n\
        PermissionDenied ada@example.com does not have WRITE permissions on secret scope 'keys'\n\
        PermissionDenied ada@example.com does not have MANAGE permissions on secret scope 'keys'\n\
        [('developer@example.com', 'MANAGE'), ('ada@example.com', 'READ')]\n\
        PermissionDenied ada@example.com does not have READ permissions on secret scope 'keys'\n\
        NotFound Secret does not exist with scope: keys and key: absent; it was not found\n\
        NotFound Scope absent does not exist! It was not found\n\
        ['a/b']\n";
    assert_eq!(printed, expected);
    for file in walkdir::WalkDir::new(running.directory.path()).into_iter().filter_map(Result::ok) {
        if file.file_type().is_file() {
            let bytes = std::fs::read(file.path()).unwrap();
            let found = bytes.windows(11).any(|window| window == b"tell-nobody");
            assert!(!found, "{} holds the secret", file.path().display());
        }
    }
}
