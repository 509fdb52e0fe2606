use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::path::ObjectPath;
use super::tree::{FileTree, Object};
use crate::error::ApiError;

/// Size of a file in bytes, and its times in milliseconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stat {
    size: u64,
    created: i64,
    modified: i64,
}

impl Stat {
    pub(super) fn of(metadata: &std::fs::Metadata) -> Self {
        let modified = metadata.modified().map_or(0, milliseconds);
        // A file gets its place a little later than it came.
        let created = metadata.created().map_or(modified, |created| milliseconds(created).min(modified));
        Self { size: metadata.len(), created, modified }
    }

    pub(super) fn waiting((size, came): (u64, SystemTime)) -> Self {
        Self { size, created: milliseconds(came), modified: milliseconds(came) }
    }
}

fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or_default()
}

impl FileTree {
    /// The object as the API describes it.
    pub(crate) fn describe(&self, path: &ObjectPath) -> Result<Value, ApiError> {
        let id = path.id();
        let common = json!({ "path": path.as_str(), "object_id": id, "resource_id": id.to_string() });
        let more = match self.get(path)? {
            Object::Directory => json!({ "object_type": "DIRECTORY" }),
            Object::File(Stat { size, created, modified }) => {
                json!({ "object_type": "FILE", "size": size, "created_at": created, "modified_at": modified })
            }
            Object::Notebook(note, Stat { created, modified, .. }) => {
                let format = if note.jupyter.is_some() { "JUPYTER" } else { "SOURCE" };
                json!({
                    "object_type": "NOTEBOOK", "language": note.language, "created_at": created, "modified_at": modified,
                    "repos_export_format": format,
                })
            }
        };
        let (Value::Object(mut common), Value::Object(more)) = (common, more) else {
            unreachable!("both are objects")
        };
        common.extend(more);
        Ok(Value::Object(common))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::workspace_files::tree::Content;

    #[test]
    fn what_the_disk_has_no_room_for_is_shown_read_and_removed() {
        let directory = tempfile::tempdir().unwrap();
        let tree = FileTree::open(directory.path().join("tree"), Store::open(None).unwrap()).unwrap();
        let path = |text: &str| ObjectPath::parse(text).unwrap();
        tree.make_directories(&path("/Users/a")).unwrap();
        for name in ["one", "two"] {
            let content = Content::Small(name.as_bytes().to_vec());
            tree.put(&path(&format!("/Users/a/{name}")), content, None, true).unwrap();
        }
        // What is in the way of one stands for a disk without room: none goes to its place.
        std::fs::create_dir_all(directory.path().join("tree/Users/a/two/in-the-way")).unwrap();
        assert_eq!(tree.children(&path("/Users/a")).unwrap(), [path("/Users/a/one"), path("/Users/a/two")]);
        let described = tree.describe(&path("/Users/a/two")).unwrap();
        assert_eq!((described["object_type"].as_str(), described["size"].as_u64()), (Some("FILE"), Some(3)));
        assert!(described["modified_at"].as_i64().unwrap() > 0);
        assert_eq!(tree.waiting(&path("/Users/a/two")).unwrap().unwrap(), b"two");
        assert_eq!(tree.waiting(&path("/Users/a")).unwrap(), None);
        assert_eq!(tree.all_within(&path("/Users")).unwrap().len(), 4);
        let refused = tree.remove(&path("/Users/a"), false).unwrap_err();
        assert!(refused.message.contains("not empty"), "{}", refused.message);
        tree.remove(&path("/Users/a/one"), false).unwrap();
        assert!(!tree.exists(&path("/Users/a/one")).unwrap());
        tree.remove(&path("/Users/a"), true).unwrap();
        assert!(tree.find(&path("/Users/a")).unwrap().is_none());
        assert!(tree.find(&path("/Users/a/two")).unwrap().is_none());
    }
}
