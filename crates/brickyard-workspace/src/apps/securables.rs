use brickyard_api::App;

use crate::catalog::{CatalogError, GrantChange, Kind, Privilege};
use crate::error::ApiError;
use crate::workspace::Workspace;

/// Store kind: what each app was granted on Unity Catalog's things because it binds them.
const GRANTED: &str = "app_securable_grant";

/// Kind, full name and privilege of a grant.
type Granted = (String, String, String);

impl Workspace {
    /// Gives the app's principal the privileges its Unity Catalog resources name, in the name of who changed the app
    /// last, and takes back those it no longer names.
    ///
    /// What is not there yet (a table that a seed makes later) is granted when the app is settled the next time.
    pub(super) fn grant_app_securables(&self, app: &App) -> Result<(), ApiError> {
        let Some(principal) = &app.service_principal_client_id else { return Ok(()) };
        let giver = app.updater.as_deref().or(app.creator.as_deref()).unwrap_or_default();
        let giver = self.catalog().identity(giver)?;
        let wanted: Vec<Granted> = app
            .resources
            .iter()
            .filter_map(|resource| resource.uc_securable.as_ref())
            .map(|bound| {
                let (kind, name) = (bound.securable_type.clone(), bound.securable_full_name.clone());
                (kind, name, bound.permission.clone())
            })
            .collect();
        let before: Option<Vec<Granted>> =
            self.store().get(GRANTED, &app.name).map_err(|error| ApiError::internal(&error))?;
        let before = before.unwrap_or_default();
        let change = |(kind, name, privilege): &Granted, give: bool| {
            let kind =
                Kind::parse(kind).ok_or_else(|| ApiError::invalid(format!("{kind} cannot be bound")))?;
            let privilege = Privilege::parse(privilege)
                .ok_or_else(|| ApiError::invalid(format!("Privilege {privilege} is not known")))?;
            let (add, remove) = if give { (vec![privilege], vec![]) } else { (vec![], vec![privilege]) };
            let change = GrantChange { principal: principal.clone(), add, remove };
            match self.catalog().change_grants(&giver, kind, name, &[change]) {
                Ok(_) => Ok(()),
                Err(CatalogError::NotFound { .. }) => {
                    tracing::warn!(
                        app = app.name,
                        "`{name}`, which the app `{}` binds, is not there",
                        app.name
                    );
                    Ok(())
                }
                Err(error) => Err(ApiError::from(error)),
            }
        };
        for gone in before.iter().filter(|granted| !wanted.contains(granted)) {
            change(gone, false)?;
        }
        for granted in &wanted {
            change(granted, true)?;
        }
        self.store().put(GRANTED, &app.name, &wanted).map_err(|error| ApiError::internal(&error))
    }
}
