use super::access::ACCOUNT_USERS;
use super::grants::Assignment;
use super::kind::Kind;
use super::privilege::Privilege;
use super::record::{CatalogRecord, SchemaRecord, Stamp};
use super::{Catalog, WORKSPACE_CATALOG};
use crate::store::StoreError;

/// Who owns what the platform brings along.
const SYSTEM: &str = "System user";

/// Catalogs, type, owner is the system, schemas beside `information_schema`.
const CATALOGS: &[(&str, &str, bool, &[&str])] = &[
    ("main", "MANAGED_CATALOG", false, &["default"]),
    (WORKSPACE_CATALOG, "MANAGED_CATALOG", false, &["default"]),
    ("samples", "SYSTEM_CATALOG", true, &["nyctaxi", "tpch", "bakehouse"]),
    ("system", "SYSTEM_CATALOG", true, &["query"]),
];

/// What `account users` hold from the start: kind, name, privileges.
const GRANTS: &[(Kind, &str, &[Privilege])] = &[
    (Kind::Catalog, "main", &[Privilege::USE_CATALOG]),
    (Kind::Schema, "main.default", &[Privilege::USE_SCHEMA]),
    (Kind::Catalog, WORKSPACE_CATALOG, &[Privilege::USE_CATALOG]),
    (
        Kind::Schema,
        "workspace.default",
        &[
            Privilege::CREATE_FUNCTION,
            Privilege::CREATE_MODEL,
            Privilege::CREATE_TABLE,
            Privilege::CREATE_VOLUME,
            Privilege::USE_SCHEMA,
        ],
    ),
    (Kind::Catalog, "samples", &[Privilege::SELECT, Privilege::USE_CATALOG, Privilege::USE_SCHEMA]),
    (Kind::Catalog, "system", &[Privilege::USE_CATALOG]),
];

impl Catalog {
    /// Makes what a new workspace has; what was dropped or changed since stays so.
    pub(super) fn make_initial(&self) -> Result<(), StoreError> {
        if self.store().get::<bool>("catalog_initial", "made")?.unwrap_or(false) {
            return Ok(());
        }
        for (name, catalog_type, is_system, schemas) in CATALOGS {
            let owner = if *is_system { SYSTEM } else { &self.inner.owner };
            let stamp = self.stamp(owner, comment(name).map(str::to_owned));
            self.put_catalog(&CatalogRecord {
                name: (*name).to_owned(),
                id: uuid::Uuid::new_v4().to_string(),
                catalog_type: (*catalog_type).to_owned(),
                properties: std::collections::BTreeMap::new(),
                stamp: stamp.clone(),
            })?;
            for schema in *schemas {
                self.put_schema(&SchemaRecord {
                    catalog: (*name).to_owned(),
                    name: (*schema).to_owned(),
                    id: uuid::Uuid::new_v4().to_string(),
                    properties: std::collections::BTreeMap::new(),
                    stamp: self.stamp(owner, None),
                })?;
            }
            self.put_information_schema(name)?;
        }
        self.put_samples(SYSTEM)?;
        for (kind, name, privileges) in GRANTS {
            let parts: Vec<String> = name.split('.').map(str::to_owned).collect();
            let assignment =
                Assignment { principal: ACCOUNT_USERS.to_owned(), privileges: privileges.to_vec() };
            self.put_assignments(*kind, &parts, &[assignment])?;
        }
        self.store().put("catalog_initial", "made", &true)
    }

    /// The schema that describes its catalog; everybody who may use the catalog may use it.
    pub(super) fn put_information_schema(&self, catalog: &str) -> Result<(), StoreError> {
        let name = "information_schema".to_owned();
        self.put_schema(&SchemaRecord {
            catalog: catalog.to_owned(),
            name: name.clone(),
            id: uuid::Uuid::new_v4().to_string(),
            properties: std::collections::BTreeMap::new(),
            stamp: self.stamp(SYSTEM, None),
        })?;
        let assignment = Assignment {
            principal: ACCOUNT_USERS.to_owned(),
            privileges: vec![Privilege::SELECT, Privilege::USE_SCHEMA],
        };
        self.put_assignments(Kind::Schema, &[catalog.to_owned(), name], &[assignment])
    }

    /// Owner and times of a thing made now.
    pub(super) fn stamp(&self, owner: &str, comment: Option<String>) -> Stamp {
        let now = self.now();
        Stamp {
            owner: owner.to_owned(),
            comment,
            created_at: now,
            created_by: owner.to_owned(),
            updated_at: now,
            updated_by: owner.to_owned(),
            tags: std::collections::BTreeMap::new(),
        }
    }
}

fn comment(catalog: &str) -> Option<&'static str> {
    match catalog {
        "samples" => Some("Sample data, generated and the same in every workspace"),
        "system" => Some("System tables and information schema of the whole workspace"),
        "main" => Some("Main catalog"),
        _ => None,
    }
}
