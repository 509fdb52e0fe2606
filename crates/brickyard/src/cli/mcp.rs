use super::Context;
use crate::failure::{Exit, Failure};
use crate::mcp;
use crate::ops::target::TargetArgs;

/// Serve the tools of brickyard to an agent (Model Context Protocol, on standard input and output)
///
/// The tools act on the workspace named here and on no other.
#[derive(Debug, clap::Args)]
pub(crate) struct McpArgs {
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) async fn run(args: McpArgs, context: &Context) -> Result<Exit, Failure> {
    mcp::serve(context.settings.clone(), args.target, &context.lifecycle).await
}
