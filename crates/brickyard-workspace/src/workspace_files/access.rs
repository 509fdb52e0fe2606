use super::path::ObjectPath;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::workspace::Workspace;

/// Kinds of the permissions API that are workspace objects, known by the id that `get-status` gives.
const KINDS: [&str; 3] = ["directories", "files", "notebooks"];

impl Workspace {
    /// Refuses who may not do this with a path: everybody has the own home and `/Shared`, admins have everything, others
    /// what was given to them on the object or a folder above it (docs: "Access control lists", "Manage access control
    /// lists with folders").
    pub(crate) fn authorize_path(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        level: &'static str,
    ) -> Result<(), ApiError> {
        let home = ObjectPath::parse("/Users")?.join(caller.name());
        let shared = ObjectPath::parse("/Shared")?;
        if path.is_within(&home) || path.is_within(&shared) || self.is_admin(caller)? {
            return Ok(());
        }
        let given = |kind: &str, path: &ObjectPath| {
            self.authorize_object(caller, kind, &path.id().to_string(), level).is_ok()
        };
        let mut folder = path.clone();
        let mut found = KINDS.iter().any(|kind| given(kind, path));
        while !found && folder.as_str() != "/" {
            folder = folder.parent();
            found = given("directories", &folder);
        }
        if found {
            return Ok(());
        }
        Err(ApiError::denied(format!("{} does not have {level} permissions on {path}", caller.name())))
    }

    /// Refuses who may not put something at a path: what is there already has to be theirs to edit, what is new theirs to
    /// make.
    pub(super) fn authorize_writing(&self, caller: &Caller, path: &ObjectPath) -> Result<(), ApiError> {
        let level = if self.file_tree().exists(path)? { "CAN_EDIT" } else { "CAN_MANAGE" };
        self.authorize_path(caller, path, level)
    }

    /// The path of a workspace object that the permissions API names by its id; nothing for another kind of object.
    pub(crate) fn listed_path(&self, kind: &str, id: &str) -> Result<Option<ObjectPath>, ApiError> {
        if !KINDS.contains(&kind) {
            return Ok(None);
        }
        let absent = || ApiError::not_found("Workspace object", id);
        let id: u64 = id.parse().map_err(|_| absent())?;
        let all = self.file_tree().all_within(&ObjectPath::parse("/")?)?;
        all.into_iter().find(|path| path.id() == id).map(Some).ok_or_else(absent)
    }

    /// Forgets who was given what is gone.
    pub(super) fn forget_paths(&self, gone: &[ObjectPath]) -> Result<(), ApiError> {
        for (path, kind) in gone.iter().flat_map(|path| KINDS.map(|kind| (path, kind))) {
            self.forget_object(kind, &path.id().to_string())?;
        }
        Ok(())
    }
}
