use std::fmt::Write as _;

use crate::project::{Project, valid_name};
use crate::resources::{Resource, ResourceKind, resolve};

/// The text of a `databricks.yml` for an app that has none: targets `dev`, `staging` and `prod`, the app's resources with
/// what differs between workspaces as variables, its scopes, and the permissions that every deployment sets anew
/// (platform §9.2).
pub fn text(project: &Project) -> String {
    let name = &project.name;
    let key = name.replace('-', "_");
    let mut variables = String::new();
    let mut resources = String::new();
    for resource in resolve(project) {
        declare(&resource, &mut variables, &mut resources);
    }
    let mut text = format!(
        "# `brickyard deploy` reads this; the official command line does too:\n#   databricks bundle deploy --target dev && \
         databricks bundle run {key} --target dev\nbundle:\n  name: {name}\n\nvariables:\n  app_name:\n    description: Name \
         of the app, at most 30 characters\n    default: {name}\n  users:\n    description: Group that may open the app\n    \
         default: users\n{variables}"
    );
    let _ = write!(
        text,
        "\nresources:\n  apps:\n    {key}:\n      name: ${{var.app_name}}\n      description: {name}\n      source_code_path: .\n"
    );
    text.push_str("      # Without this the app is made with its compute stopped.\n      lifecycle:\n        started: true\n");
    // A deployment replaces the whole list: who is not named here loses what they had.
    text.push_str(
        "      # Every deployment sets this list anew: whoever is not named here loses what they were given by hand. A\n      # \
         bundle resource that the app uses and that has `permissions` of its own must name the app there too, as\n      # \
         `service_principal_name: ${resources.apps.",
    );
    let _ = writeln!(text, "{key}.service_principal_client_id}}`.");
    text.push_str(
        "      permissions:\n        - level: CAN_MANAGE\n          user_name: ${workspace.current_user.userName}\n        - \
         level: CAN_USE\n          group_name: ${var.users}\n",
    );
    let scopes = project.user_api_scopes();
    if !scopes.is_empty() {
        text.push_str("      user_api_scopes:\n");
        for scope in scopes {
            let _ = writeln!(text, "        - {scope}");
        }
    }
    if !resources.is_empty() {
        let _ = write!(text, "      resources:\n{resources}");
    }
    let _ = write!(
        text,
        "\ntargets:\n  dev:\n    mode: development\n    default: true\n    variables:\n      app_name: {}\n  staging:\n    \
         variables:\n      app_name: {}\n  prod:\n    mode: production\n",
        suffixed(name, "-dev"),
        suffixed(name, "-staging")
    );
    text
}

/// The name with an ending, within the platform's limit.
fn suffixed(name: &str, ending: &str) -> String {
    let room = 30 - ending.len();
    format!("{}{ending}", valid_name(name.get(..room).unwrap_or(name)))
}

fn declare(resource: &Resource, variables: &mut String, resources: &mut String) {
    let fields: &[(&str, &str)] = match resource.kind {
        ResourceKind::SqlWarehouse => &[("id", "Id of the SQL warehouse")],
        ResourceKind::ServingEndpoint => &[("name", "Name of the serving endpoint")],
        ResourceKind::Secret => &[("scope", "Secret scope"), ("key", "Key of the secret")],
        ResourceKind::Volume => &[("securable_full_name", "Volume, as catalog.schema.volume")],
        ResourceKind::Table => &[("securable_full_name", "Table, as catalog.schema.table")],
        ResourceKind::VectorSearchIndex => &[("securable_full_name", "Index, as catalog.schema.index")],
        ResourceKind::Connection => &[("securable_full_name", "Name of the connection")],
        ResourceKind::Function => &[("securable_full_name", "Function, as catalog.schema.function")],
        ResourceKind::Job => &[("id", "Id of the job")],
        ResourceKind::GenieSpace => {
            &[("name", "Name of the Genie space"), ("space_id", "Id of the Genie space")]
        }
        ResourceKind::Experiment => &[("experiment_id", "Id of the experiment")],
        ResourceKind::Database => {
            &[("instance_name", "Lakebase instance"), ("database_name", "Database in it")]
        }
        ResourceKind::Postgres => {
            &[("branch", "Lakebase branch, as projects/P/branches/B"), ("database", "Database of it")]
        }
        ResourceKind::App => &[("name", "Name of the other app")],
    };
    let stem = resource.key.replace('-', "_");
    let _ = writeln!(resources, "        - name: {}\n          {}:", resource.key, resource.kind.field());
    for (field, words) in fields {
        let variable = if fields.len() == 1 { stem.clone() } else { format!("{stem}_{field}") };
        let _ = writeln!(variables, "  {variable}:\n    description: {words}");
        if let Some(value) = resource.fields.get(*field).filter(|value| !value.contains("${")) {
            let _ = writeln!(variables, "    default: {}", quoted(value));
        }
        let _ = writeln!(resources, "            {field}: ${{var.{variable}}}");
    }
    let securable = match resource.kind {
        ResourceKind::Volume => Some("VOLUME"),
        ResourceKind::Table | ResourceKind::VectorSearchIndex => Some("TABLE"),
        ResourceKind::Connection => Some("CONNECTION"),
        ResourceKind::Function => Some("FUNCTION"),
        _ => None,
    };
    if let Some(securable) = securable {
        let _ = writeln!(resources, "            securable_type: {securable}");
    }
    let _ = writeln!(resources, "            permission: {}", resource.permission);
}

/// A text that YAML takes for a text.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::Bundle;

    #[test]
    fn what_is_written_is_read_back_for_every_target() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("shop");
        std::fs::create_dir(&folder).unwrap();
        let yaml = "command: [python, app.py]\nenv:\n- {name: W, valueFrom: sql-warehouse}\n- {name: S, valueFrom: secret}\n- {name: V, valueFrom: volume}\n";
        std::fs::write(folder.join("app.yaml"), yaml).unwrap();
        std::fs::write(folder.join("app.py"), "").unwrap();
        std::fs::write(folder.join("brickyard.toml"), "[app]\nuser-api-scopes = [\"sql\"]\n").unwrap();
        let text = text(&Project::load(&folder).unwrap());
        std::fs::write(folder.join("databricks.yml"), &text).unwrap();
        for (target, name) in [(None, "shop-dev"), (Some("staging"), "shop-staging"), (Some("prod"), "shop")]
        {
            let bundle = Bundle::load(&folder.join("databricks.yml"), target).unwrap();
            assert_eq!(bundle.targets, ["dev", "staging", "prod"]);
            let app = &bundle.apps[0];
            assert_eq!((app.name.as_deref(), app.key.as_str(), app.started), (Some(name), "shop", true));
            assert_eq!(app.user_api_scopes, ["sql"]);
            let keys: Vec<&str> = app.resources.iter().map(|spec| spec.key.as_str()).collect();
            assert_eq!(keys, ["sql-warehouse", "secret", "volume"]);
            assert_eq!(app.permissions[1], ("CAN_USE".to_owned(), "users".to_owned()));
        }
        let project = Project::load(&folder).unwrap();
        assert_eq!((project.name.as_str(), project.bundle_key.as_deref()), ("shop-dev", Some("shop")));
    }

    #[test]
    fn a_long_name_stays_within_the_limit() {
        assert_eq!(suffixed("abcdefghijklmnopqrstuvwxyz1234", "-staging").len(), 30);
    }
}
