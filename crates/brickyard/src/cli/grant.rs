use serde_json::{Value, json};

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::running::Running;
use crate::ops::sql::execute;

/// Give somebody a permission in a running local workspace
///
/// Objects are named by kind and id: `brickyard grant ada@example.com CAN_QUERY serving-endpoints/chat`. Things of Unity
/// Catalog by type and name: `brickyard grant analysts SELECT "TABLE main.sales.orders"`.
#[derive(Debug, clap::Args)]
pub(crate) struct GrantArgs {
    /// E-mail address, client id of a service principal, or group
    to: String,
    /// Permission level or privilege
    permission: String,
    /// On what: `KIND/ID`, or `"TYPE name"`
    on: String,
}

pub(crate) async fn run(args: GrantArgs, context: &Context) -> Result<Exit, Failure> {
    let client = Running::nearest(&context.settings).await?.client()?;
    if let Some((kind, name)) = args.on.split_once(' ') {
        let to = args.to.replace('`', "``");
        let statement = format!("GRANT {} ON {kind} {name} TO `{to}`", args.permission.replace('_', " "));
        execute(&client, &statement).await?;
    } else {
        let (kind, id) = args.on.split_once('/').ok_or_else(|| {
            Failure::user(format!("`{}` names nothing that permissions are given on", args.on))
                .hint("write `KIND/ID` such as `warehouses/ID`, or `\"TABLE main.sales.orders\"`")
        })?;
        let field = if args.to.contains('@') {
            "user_name"
        } else if uuid_like(&args.to) {
            "service_principal_name"
        } else {
            "group_name"
        };
        let body =
            json!({ "access_control_list": [{ field: args.to, "permission_level": args.permission }] });
        client.patch::<Value>(&format!("/api/2.0/permissions/{kind}/{id}"), &body).await?;
    }
    let done = json!({ "to": args.to, "permission": args.permission, "on": args.on });
    context.printer.document(&done, |_| format!("`{}` has {} on {}", args.to, args.permission, args.on));
    Ok(Exit::Success)
}

/// Whether a text looks like a client id.
fn uuid_like(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}
