use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::ApiError;

/// Longest path, in bytes.
const LONGEST: usize = 4096;

/// An absolute path of the workspace tree without `/Workspace` in front, `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectPath(String);

impl ObjectPath {
    /// Reads a path as clients write it; `/Workspace/Users/…` and `/Users/…` are the same place.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let refuse = |why: &str| Err(ApiError::invalid(format!("Path ({text}) {why}")));
        if text.len() > LONGEST || text.contains('\0') {
            return refuse("is not valid");
        }
        let Some(rest) = text.strip_prefix('/') else { return refuse("should start with '/'") };
        let mut parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
        if parts.first() == Some(&"Workspace") {
            parts.remove(0);
        }
        if parts.iter().any(|part| matches!(*part, "." | "..") || part.len() > 255) {
            return refuse("is not valid");
        }
        Ok(Self(format!("/{}", parts.join("/"))))
    }

    /// The path as the API shows it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part; empty for the root.
    pub(crate) fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The number the API knows the object by.
    pub(crate) fn id(&self) -> u64 {
        uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, self.0.as_bytes()).as_u64_pair().0 >> 12
    }

    /// The folder it lies in; the root lies in itself.
    pub(crate) fn parent(&self) -> Self {
        let end = self.0.rfind('/').unwrap_or(0);
        Self(if end == 0 { "/".to_owned() } else { self.0[..end].to_owned() })
    }

    /// A child of this folder.
    pub(crate) fn join(&self, name: &str) -> Self {
        Self(format!("{}/{name}", self.0.trim_end_matches('/')))
    }

    /// The same path with another last part.
    pub(crate) fn with_name(&self, name: &str) -> Self {
        self.parent().join(name)
    }

    /// Whether this path is `other` or lies below it.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self == other
            || other.0 == "/"
            || self.0.strip_prefix(&other.0).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The place on disk below `root`.
    pub(crate) fn on_disk(&self, root: &Path) -> PathBuf {
        root.join(self.0.trim_start_matches('/'))
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_made_plain_and_never_leave_the_tree() {
        let parse = |text: &str| ObjectPath::parse(text).map(|path| path.0);
        assert_eq!(parse("/Workspace/Users/a//b/").unwrap(), "/Users/a/b");
        assert_eq!(parse("/").unwrap(), "/");
        for bad in ["", "a", "/a/../b", "/./a", "/a\0b", "/Workspace/../etc"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn below_means_a_whole_part_below() {
        let path = |text: &str| ObjectPath::parse(text).unwrap();
        assert!(path("/a/b").is_within(&path("/a")));
        assert!(!path("/ab").is_within(&path("/a")));
        assert!(path("/ab").is_within(&path("/")));
        assert_eq!(path("/a").parent(), path("/"));
    }
}
