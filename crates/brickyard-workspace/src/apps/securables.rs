use brickyard_api::{App, SecurableResource};

use crate::catalog::{CatalogError, GrantChange, Identity, Kind, Privilege};
use crate::error::ApiError;
use crate::workspace::Workspace;

/// Store kind: what each app was granted on Unity Catalog's things because it binds them.
const GRANTED: &str = "app_securable_grant";

/// Kind, full name and privilege of a grant.
type Granted = (String, String, String);

impl Workspace {
    /// Gives the app's principal the privileges its Unity Catalog resources name, and the way to them (`USE CATALOG`,
    /// `USE SCHEMA`) where it has none, in the name of who changed the app last; takes back those it no longer names.
    ///
    /// What is not there yet (a table that a seed makes later) is granted when the app is settled the next time.
    pub(super) fn grant_app_securables(&self, app: &App) -> Result<(), ApiError> {
        let Some(principal) = &app.service_principal_client_id else { return Ok(()) };
        let giver = app.updater.as_deref().or(app.creator.as_deref()).unwrap_or_default();
        let giver = self.catalog().identity(giver)?;
        let before: Option<Vec<Granted>> =
            self.store().get(GRANTED, &app.name).map_err(|error| ApiError::internal(&error))?;
        let before = before.unwrap_or_default();
        let held = self.catalog().identity(principal)?;
        let bound = app.resources.iter().filter_map(|resource| resource.uc_securable.as_ref());
        let mut wanted: Vec<Granted> = Vec::new();
        for granted in bound.flat_map(needed) {
            let uses = granted.2.starts_with("USE_") && granted.0 != "CONNECTION";
            let ours = before.contains(&granted);
            if !wanted.contains(&granted) && (!uses || ours || !self.has(&held, &granted)?) {
                wanted.push(granted);
            }
        }
        for gone in before.iter().filter(|granted| !wanted.contains(granted)) {
            self.change_securable(&app.name, principal, &giver, gone, false)?;
        }
        for granted in &wanted {
            self.change_securable(&app.name, principal, &giver, granted, true)?;
        }
        self.store().put(GRANTED, &app.name, &wanted).map_err(|error| ApiError::internal(&error))
    }

    /// Whether somebody has the privilege already, such as `USE CATALOG` by a grant to all account users.
    fn has(&self, identity: &Identity, (kind, name, privilege): &Granted) -> Result<bool, ApiError> {
        let (kind, privilege) = parsed(kind, privilege)?;
        Ok(self.catalog().check(identity, kind, name, privilege).is_ok())
    }

    fn change_securable(
        &self,
        app: &str,
        principal: &str,
        giver: &Identity,
        (kind, name, privilege): &Granted,
        give: bool,
    ) -> Result<(), ApiError> {
        let (kind, privilege) = parsed(kind, privilege)?;
        let (add, remove) = if give { (vec![privilege], vec![]) } else { (vec![], vec![privilege]) };
        let change = GrantChange { principal: principal.to_owned(), add, remove };
        match self.catalog().change_grants(giver, kind, name, &[change]) {
            Ok(_) => Ok(()),
            Err(CatalogError::NotFound { .. }) => {
                tracing::warn!(app, "`{name}`, which the app `{app}` binds, is not there");
                Ok(())
            }
            Err(CatalogError::NotOwner { .. }) if matches!(kind, Kind::Catalog | Kind::Schema) => {
                tracing::warn!(
                    app,
                    "The app `{app}` got no {privilege} on `{name}`: its owner has to give it"
                );
                Ok(())
            }
            Err(error) => Err(ApiError::from(error)),
        }
    }
}

/// What a resource gives: the privilege it names, and those on the catalog and the schema the thing lies in.
fn needed(bound: &SecurableResource) -> Vec<Granted> {
    let of =
        |kind: &str, name: &str, privilege: &str| (kind.to_owned(), name.to_owned(), privilege.to_owned());
    let name = bound.securable_full_name.as_str();
    let mut needed = vec![of(&bound.securable_type, name, &bound.permission)];
    if bound.permission == "WRITE_VOLUME" {
        // Offered as "Can read and write" (docs: Databricks Apps, "Add a Unity Catalog volume resource").
        needed.push(of(&bound.securable_type, name, "READ_VOLUME"));
    }
    if let [catalog, schema, _] = name.split('.').collect::<Vec<_>>().as_slice() {
        needed.push(of("CATALOG", catalog, "USE_CATALOG"));
        needed.push(of("SCHEMA", &format!("{catalog}.{schema}"), "USE_SCHEMA"));
    }
    needed
}

fn parsed(kind: &str, privilege: &str) -> Result<(Kind, Privilege), ApiError> {
    let kind = Kind::parse(kind).ok_or_else(|| ApiError::invalid(format!("{kind} cannot be bound")))?;
    let privilege = Privilege::parse(privilege)
        .ok_or_else(|| ApiError::invalid(format!("Privilege {privilege} is not known")))?;
    Ok((kind, privilege))
}
