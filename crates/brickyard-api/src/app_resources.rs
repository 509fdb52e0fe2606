use serde::{Deserialize, Serialize};

/// Something an app may use, under a key; exactly one of the kinds is set (platform §5).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppResource {
    /// Key that `valueFrom` names.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A SQL warehouse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql_warehouse: Option<WarehouseResource>,
    /// A serving endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serving_endpoint: Option<ServingEndpointResource>,
    /// A secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretResource>,
    /// A volume, table, function or connection of Unity Catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uc_securable: Option<SecurableResource>,
    /// A job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<JobResource>,
    /// A Genie space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub genie_space: Option<GenieSpaceResource>,
    /// An MLflow experiment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<ExperimentResource>,
    /// A provisioned Lakebase database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<DatabaseResource>,
    /// An autoscaling Lakebase database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgres: Option<PostgresResource>,
    /// Another app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<NamedResource>,
}

macro_rules! resource {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: String,)*
            /// Permission level the app's principal is given.
            pub permission: String,
        }
    };
}

resource! {
    /// A SQL warehouse an app may use.
    WarehouseResource {
        /// Warehouse id.
        id,
    }
}
resource! {
    /// A serving endpoint an app may use.
    ServingEndpointResource {
        /// Endpoint name.
        name,
    }
}
resource! {
    /// A secret an app may read.
    SecretResource {
        /// Scope.
        scope,
        /// Key in the scope.
        key,
    }
}
resource! {
    /// A securable of Unity Catalog an app may use.
    SecurableResource {
        /// Full name such as `main.sales.orders`.
        securable_full_name,
        /// `VOLUME`, `TABLE`, `FUNCTION` or `CONNECTION`.
        securable_type,
    }
}
resource! {
    /// A job an app may run.
    JobResource {
        /// Job id.
        id,
    }
}
resource! {
    /// A Genie space an app may ask.
    GenieSpaceResource {
        /// Name shown to people.
        name,
        /// Space id.
        space_id,
    }
}
resource! {
    /// An MLflow experiment an app may log to.
    ExperimentResource {
        /// Experiment id.
        experiment_id,
    }
}
resource! {
    /// A database of a provisioned Lakebase instance.
    DatabaseResource {
        /// Instance name.
        instance_name,
        /// Database name.
        database_name,
    }
}
resource! {
    /// A database of an autoscaling Lakebase branch.
    PostgresResource {
        /// Branch path `projects/P/branches/B`.
        branch,
        /// Database name.
        database,
    }
}
resource! {
    /// Something known by its name, such as another app.
    NamedResource {
        /// Name.
        name,
    }
}
