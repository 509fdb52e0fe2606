use super::Context;
use crate::failure::{Exit, Failure};
use crate::mcp;
use crate::ops::target::{self, TargetArgs};

/// Serve the tools of brickyard to an agent (Model Context Protocol, on standard input and output or over HTTP)
///
/// The tools act on the workspace named here and on no other. With `--http` the server listens on loopback and wants a
/// bearer token: that of the variable `BRICKYARD_MCP_TOKEN`, or a new one it leaves with the address in `mcp.json` of the
/// state directory, readable by you alone.
#[derive(Debug, clap::Args)]
pub(crate) struct McpArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Serve over streamable HTTP on this port of loopback, 0 for any
    #[arg(long, value_name = "PORT")]
    http: Option<u16>,
}

pub(crate) async fn run(args: McpArgs, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings.clone();
    target::check(&settings, &args.target)?;
    match args.http {
        Some(port) => mcp::serve_http(settings, args.target, port, &context.lifecycle, context.printer).await,
        None => mcp::serve(settings, args.target, &context.lifecycle).await,
    }
}
