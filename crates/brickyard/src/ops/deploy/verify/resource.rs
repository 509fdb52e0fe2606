use std::path::Path;

use brickyard_api::{App, AppResource, Client, Statement};
use serde_json::Value;

use super::Look;
use crate::failure::{Failure, Kind};
use crate::ops::lakebase::{Place, branch_host, instance_host};

/// The app's own principal uses a resource: a statement on the warehouse, a login on the database, the secret read. Nothing for
/// kinds that are not used by looking at them, and where this machine cannot get there.
pub(super) async fn reached(
    client: &Client,
    principal: &Client,
    app: &App,
    resource: &AppResource,
    authority: Option<&Path>,
) -> Option<Look> {
    let what = format!("resource {}", resource.name);
    let name = app.service_principal_client_id.as_deref().unwrap_or_default();
    let (did, outcome, hint) = if let Some(bound) = &resource.sql_warehouse {
        let statement = Statement { warehouse_id: &bound.id, text: "SELECT 1" };
        let outcome = principal.execute(statement).await.map(drop).map_err(Failure::from);
        let hint = format!("give the app {} on the warehouse, and see that it starts", bound.permission);
        (format!("ran SELECT 1 on warehouse {}", bound.id), outcome, hint)
    } else if let Some(bound) = &resource.database {
        let host = instance_host(client, &bound.instance_name).await;
        let outcome = enter(host, &bound.database_name, name, principal, authority).await;
        let hint =
            "see that the instance is available, and deploy again: the deployment makes the app's role";
        (format!("logged in to {} of {}", bound.database_name, bound.instance_name), outcome, hint.to_owned())
    } else if let Some(bound) = &resource.postgres {
        let host = branch_host(client, &bound.branch).await;
        let database = database_name(client, &bound.database).await;
        let outcome = enter(host, &database, name, principal, authority).await;
        let hint = "see that the branch is available, and deploy again: the deployment makes the app's role";
        (format!("logged in to {database} of {}", bound.branch), outcome, hint.to_owned())
    } else if let Some(bound) = &resource.secret {
        let query = [("scope", bound.scope.as_str()), ("key", &bound.key)];
        let outcome =
            principal.get::<Value>("/api/2.0/secrets/get", &query).await.map(drop).map_err(Failure::from);
        let hint =
            format!("put the secret `{}` and give the app READ on the scope `{}`", bound.key, bound.scope);
        (format!("read secret {}/{}", bound.scope, bound.key), outcome, hint)
    } else {
        return None;
    };
    match outcome {
        Ok(()) => Some(Look::good(what, format!("the app's principal {did}"))),
        // This machine's way there is not the app's.
        Err(failure) if failure.kind == Kind::Machine => None,
        Err(failure) => Some(Look::bad(what, format!("the app's principal {name}: {failure}"), hint)),
    }
}

/// A branch's database by the name PostgreSQL knows it by: the resource may hold its path.
async fn database_name(client: &Client, database: &str) -> String {
    if !database.contains('/') {
        return database.to_owned();
    }
    let named: Value = client.get(&format!("/api/2.0/postgres/{database}"), &[]).await.unwrap_or_default();
    let named = named["status"]["postgres_database"].as_str();
    named.unwrap_or_else(|| database.rsplit('/').next().unwrap_or_default()).to_owned()
}

async fn enter(
    host: Result<String, Failure>,
    database: &str,
    user: &str,
    principal: &Client,
    authority: Option<&Path>,
) -> Result<(), Failure> {
    let place = Place::new(host?, database, user.to_owned());
    place.enter(principal, authority).await?.execute("SELECT 1").await.map(drop)
}

/// A resource is there, and the app's principal holds what it needs on it.
pub(super) async fn held(client: &Client, app: &App, resource: &AppResource) -> Option<Look> {
    let what = format!("resource {}", resource.name);
    let principal = app.service_principal_client_id.as_deref().unwrap_or_default();
    let there = |path: String| async move { client.get::<Value>(&path, &[]).await };
    let (noun, thing, list) = if let Some(bound) = &resource.sql_warehouse {
        let answer = there(format!("/api/2.0/sql/warehouses/{}", bound.id)).await;
        (format!("warehouse {}", bound.id), answer, Some(("warehouses", &bound.id)))
    } else if let Some(bound) = &resource.serving_endpoint {
        let answer = there(format!("/api/2.0/serving-endpoints/{}", bound.name)).await;
        // Its permissions go by id, which the answer holds.
        (format!("serving endpoint {}", bound.name), answer, None)
    } else if let Some(bound) = &resource.job {
        let answer = there(format!("/api/2.2/jobs/get?job_id={}", bound.id)).await;
        (format!("job {}", bound.id), answer, Some(("jobs", &bound.id)))
    } else if let Some(bound) = &resource.experiment {
        let id = &bound.experiment_id;
        let answer = there(format!("/api/2.0/mlflow/experiments/get?experiment_id={id}")).await;
        (format!("experiment {id}"), answer, Some(("experiments", id)))
    } else if let Some(bound) = &resource.secret {
        let path = format!("/api/2.0/secrets/acls/get?scope={}&principal={principal}", bound.scope);
        return Some(match there(path).await {
            Ok(_) => Look::good(what, format!("the app reads secret {}/{}", bound.scope, bound.key)),
            Err(failure) => Look::bad(what, failure.to_string(), "give the app READ on the secret scope"),
        });
    } else if let Some(bound) = &resource.uc_securable {
        let name = &bound.securable_full_name;
        let kind = bound.securable_type.to_lowercase();
        let path = format!("/api/2.1/unity-catalog/permissions/{kind}/{name}?principal={principal}");
        return Some(match there(path).await {
            Ok(granted) if granted.to_string().contains(&bound.permission) => {
                Look::good(what, format!("the app has {} on {name}", bound.permission))
            }
            Ok(_) => Look::bad(
                what,
                format!("the app has no {} on {name}", bound.permission),
                format!(
                    "GRANT {} ON {} {name} TO `{principal}`",
                    bound.permission.replace('_', " "),
                    bound.securable_type
                ),
            ),
            Err(failure) => {
                Look::bad(what, failure.to_string(), format!("make {kind} {name}, or name another one"))
            }
        });
    } else if let Some(bound) = &resource.database {
        let answer = there(format!("/api/2.0/database/instances/{}", bound.instance_name)).await;
        (format!("database instance {}", bound.instance_name), answer, None)
    } else if let Some(bound) = &resource.postgres {
        (bound.branch.clone(), there(format!("/api/2.0/postgres/{}", bound.branch)).await, None)
    } else if let Some(bound) = &resource.app {
        let answer = there(format!("/api/2.0/apps/{}", bound.name)).await;
        (format!("app {}", bound.name), answer, Some(("apps", &bound.name)))
    } else {
        return None;
    };
    if let Err(failure) = thing {
        return Some(Look::bad(what, failure.to_string(), format!("make {noun}, or name another one")));
    }
    let Some((kind, id)) = list else { return Some(Look::good(what, format!("{noun} is there"))) };
    Some(match client.permissions(kind, id).await {
        Ok(entries)
            if entries.iter().any(|entry| entry.service_principal_name.as_deref() == Some(principal)) =>
        {
            Look::good(what, format!("the app may use {noun}"))
        }
        Ok(_) => Look::bad(
            what,
            format!("the app's principal {principal} is not on the access list of {noun}"),
            "deploy again, or give it the permission by hand",
        ),
        // Not to be allowed to read the list is no fault of the app.
        Err(_) => Look::good(what, format!("{noun} is there; its access list is not yours to read")),
    })
}
