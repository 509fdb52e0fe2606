//! The MCP server: tools for agents over the same operations the commands use.
//!
//! `manage_app` and `manage_workspace_files` keep the names, arguments and results of the contract that agents of the
//! platform already know (facts: platform §10.1), with its known defects mended: a deployment is waited for, deletion
//! says what state it left, logs are there.

mod apps;
mod call;
mod glob;
mod guide;
mod http;
mod lakebase;
mod local;
mod progress;
mod prompt;
mod running;
mod screenshot;
mod tool;
mod workspace_files;

use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData, GetPromptRequestParams,
    GetPromptResponse, Implementation, ListPromptsResult, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities,
    ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer, ServiceExt};
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::lifecycle::Lifecycle;
use crate::ops::target::{Target, TargetArgs};
use crate::settings::Settings;
use call::Call;
pub(crate) use http::serve_http;
use progress::Notices;

/// The server: which workspace it acts on was chosen when it was started, and no tool changes that.
#[derive(Clone)]
pub(crate) struct Server {
    settings: Settings,
    target: TargetArgs,
    /// Apps that were started for the agent.
    runs: running::Runs,
}

/// Serves one client on standard input and output until it goes away.
pub(crate) async fn serve(
    settings: Settings,
    target: TargetArgs,
    lifecycle: &Lifecycle,
) -> Result<Exit, Failure> {
    let server = Server::new(settings, target);
    let runs = server.runs.clone();
    let running = server.serve(rmcp::transport::stdio()).await.map_err(|error| {
        Failure::user("No MCP client spoke on standard input")
            .because(error)
            .hint("let an agent start it, or serve over HTTP with `--http 0`")
    })?;
    tokio::select! {
        ended = running.waiting() => {
            ended.map_err(|error| Failure::machine("The MCP server failed").because(error))?;
        }
        () = lifecycle.soft.cancelled() => {}
    }
    runs.stop_all().await;
    Ok(Exit::Success)
}

impl Server {
    fn new(settings: Settings, target: TargetArgs) -> Self {
        Self { settings, target, runs: running::Runs::default() }
    }

    /// Does what a call asks for.
    async fn answer(&self, name: &str, call: &Call) -> Result<CallToolResult, Failure> {
        let value = match name {
            "manage_app" => apps::manage(self, call).await,
            "manage_workspace_files" => workspace_files::manage(self, call).await,
            "create_app" => local::create(self, call),
            "check_app" => local::check(self, call),
            "explain_rule" => local::rule(call),
            "execute_sql" => local::sql(self, call).await,
            "list_resources" => local::resources(self).await,
            "deploy_app" => apps::deploy(self, call).await,
            "app_environment" => local::environment(self, call).await,
            "run_app" => running::run(self, call).await,
            "read_app_log" => running::log(self, call).await,
            "stop_app" => running::stop(self, call).await,
            "query_lakebase" => lakebase::query(self, call).await,
            tool::SCREENSHOT => return screenshot::take(self, call).await,
            other => Err(Failure::user(format!("There is no tool `{other}`"))),
        };
        value.map(CallToolResult::structured)
    }

    /// The workspace the server was started for.
    async fn target(&self) -> Result<Target, Failure> {
        Target::connect(&self.settings, &self.target).await
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities =
            ServerCapabilities::builder().enable_tools().enable_resources().enable_prompts().build();
        let mut config = ServerConfig::default();
        config.capabilities = capabilities;
        config.server_info = Implementation::new("brickyard", env!("CARGO_PKG_VERSION"));
        config.instructions = Some(
            "Create, check, run and deploy Python Databricks apps. Check an app before you deploy it. Tools act on the \
             workspace the server was started for, the local one by default."
                .to_owned(),
        );
        config
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let pictures = screenshot::is_possible(&self.settings);
        let tools = tool::ALL.iter().filter(|tool| pictures || tool.name != tool::SCREENSHOT).cloned();
        Ok(ListToolsResult::with_all_items(tools.collect()))
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(guide::all()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        Ok(guide::read(&request.uri)?.into())
    }

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(prompt::all()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        Ok(prompt::get(&request.name, &request.arguments.unwrap_or_default())?.into())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let notices = Notices::of(&context);
        let arguments = request.arguments.unwrap_or_default();
        let outcome = match Call::of(&request.name, arguments, notices.tell()) {
            Ok(call) => notices.during(self.answer(&request.name, &call), context.ct.clone()).await,
            Err(failure) => Err(failure),
        };
        Ok(match outcome {
            Ok(result) => result,
            Err(failure) => {
                let causes = failure.causes();
                let mut error = json!({ "error": failure.to_string() });
                if !causes.is_empty() {
                    error["causes"] = json!(causes);
                }
                if let Some(hint) = failure.hint {
                    error["hint"] = json!(hint);
                }
                CallToolResult::structured_error(error)
            }
        }
        .into())
    }
}
