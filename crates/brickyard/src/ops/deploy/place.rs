use crate::failure::Failure;

/// The folder of a workspace that an app's files go to, as the API has it: from `/Workspace` on, without a slash at its end.
///
/// Refuses what holds more than one app's files: there a deployment would take files of others for its own.
pub(super) fn of(path: &str) -> Result<String, Failure> {
    if !path.starts_with('/') || is_protected(path) {
        let message = format!("`{path}` is no folder of a workspace that an app can have for itself");
        return Err(Failure::user(message).hint("name one such as `/Workspace/Users/ME/apps/NAME`"));
    }
    Ok(format!("/Workspace/{}", parts(path).join("/")))
}

/// Folders that hold what is everybody's, and homes: nobody means to delete them whole.
pub(crate) fn is_protected(path: &str) -> bool {
    matches!(parts(path).as_slice(), [] | ["Users" | "Repos" | "Shared"] | ["Users" | "Repos", _])
}

/// The names of a path, without `/Workspace`.
fn parts(path: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.first() == Some(&"Workspace") {
        parts.remove(0);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_and_roots_are_protected() {
        for path in
            ["", "/", "/Workspace", "/Users", "/Workspace/Shared/", "/Users/a@b.c", "/Workspace/Repos/x"]
        {
            assert!(is_protected(path) && of(path).is_err(), "{path}");
        }
        for path in ["/Users/a@b.c/app", "/Shared/app/", "/Workspace/Users/a@b.c/x/y", "/Workspacex"] {
            assert!(!is_protected(path), "{path}");
        }
        assert_eq!(of("/Users/a@b.c/app/").unwrap(), "/Workspace/Users/a@b.c/app");
        assert_eq!(of("/Workspace//Shared/app").unwrap(), "/Workspace/Shared/app");
        assert!(of("apps/site").is_err());
    }
}
