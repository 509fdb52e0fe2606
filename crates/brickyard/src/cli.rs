//! Parse the arguments, call `ops`, print what comes back.

mod bundle;
mod check;
mod clock;
mod completions;
mod delete;
mod deploy;
mod doctor;
mod down;
mod env;
mod exec;
mod explain_denied;
mod fault;
mod get;
mod grant;
mod list;
mod login;
mod logs;
mod lsp;
mod mcp;
mod new;
mod open;
mod parity;
mod psql;
mod reference;
mod reset;
mod rollback;
mod rule;
mod run;
mod sql;
mod start;
mod status;
mod stop;
mod up;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::environment::{self, Environment};
use crate::failure::{Exit, Failure, INTERRUPTED};
use crate::lifecycle::Lifecycle;
use crate::printer::{Output, Printer};
use crate::settings::{Arguments, Settings};

/// Create, check, run and deploy Python Databricks apps, with a local workspace that speaks the real protocols
///
/// Exit codes: 0 done; 1 a problem of the app was found, or the workspace refused; 2 wrong usage, or the command failed.
#[derive(Debug, Parser)]
#[command(
    name = "brickyard",
    version,
    max_term_width = 100,
    infer_subcommands = false,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How results are written
    #[arg(short = 'o', long, global = true, value_enum, default_value_t, help_heading = "Global options")]
    output: Output,
    /// Say only what was asked for
    #[arg(short, long, global = true, help_heading = "Global options")]
    quiet: bool,
    /// Say more: twice for debugging
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    verbose: u8,
    #[command(flatten)]
    arguments: Arguments,
}

/// Every command; its arguments, help and code stand in its own file.
#[derive(Debug, Subcommand)]
enum Command {
    New(new::NewArgs),
    Check(check::CheckArgs),
    Lsp(lsp::LspArgs),
    Rule(rule::RuleArgs),
    Run(run::RunArgs),
    Exec(exec::ExecArgs),
    Env(env::EnvArgs),
    Sql(sql::SqlArgs),
    Psql(psql::PsqlArgs),
    Reset(reset::ResetArgs),
    Up(up::UpArgs),
    Down(down::DownArgs),
    Status(status::StatusArgs),
    Login(login::LoginArgs),
    Bundle(bundle::BundleArgs),
    Parity(parity::ParityArgs),
    Deploy(deploy::DeployArgs),
    Rollback(rollback::RollbackArgs),
    List(list::ListArgs),
    Get(get::GetArgs),
    Start(start::StartArgs),
    Stop(stop::StopArgs),
    Delete(delete::DeleteArgs),
    Logs(logs::LogsArgs),
    Open(open::OpenArgs),
    Doctor(doctor::DoctorArgs),
    Clock(clock::ClockArgs),
    Fault(fault::FaultArgs),
    Grant(grant::GrantArgs),
    ExplainDenied(explain_denied::ExplainDeniedArgs),
    Mcp(mcp::McpArgs),
    Completions(completions::CompletionsArgs),
    #[command(hide = true)]
    Reference(reference::ReferenceArgs),
}

impl Command {
    /// Whether the command itself sees to a soft end; the others are simply dropped.
    fn stops_by_itself(&self) -> bool {
        matches!(
            self,
            Self::Run(_)
                | Self::Exec(_)
                | Self::Psql(_)
                | Self::Up(_)
                | Self::Deploy(_)
                | Self::Rollback(_)
                | Self::Start(_)
                | Self::Stop(_)
                | Self::Logs(_)
                | Self::Check(_)
                | Self::Lsp(_)
                | Self::Mcp(_)
        )
    }
}

/// What a command is given beside its own arguments.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) printer: Printer,
    pub(crate) lifecycle: Lifecycle,
}

/// The program: parses, runs one command, tells how it ended.
pub(crate) fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|word| word == "warden") {
        // Our own children start this: a small parent of other programs that ends them when we are gone.
        return brickyard_runner::warden::main(arguments);
    }
    let environment = Environment::of_process();
    let color = environment.text(environment::NO_COLOR).is_none()
        && std::io::IsTerminal::is_terminal(&std::io::stderr());
    let cli = match parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let printer = Printer { output: cli.output, quiet: cli.quiet, color };
    start_log(&environment, cli.verbose, color);
    crate::lifecycle::make_room_for_connections();
    match start(cli, environment, printer) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            printer.failure(&failure);
            failure.exit_code()
        }
    }
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let matches = Cli::command().try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

fn start(cli: Cli, environment: Environment, printer: Printer) -> Result<Exit, Failure> {
    let settings = Settings::resolve(environment, &cli.arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::machine("Cannot start the runtime").because(error))?;
    let exit = runtime.block_on(async {
        let lifecycle = Lifecycle::watch(printer)
            .map_err(|error| Failure::machine("Cannot watch signals").because(error))?;
        let context = Context { settings, printer, lifecycle: lifecycle.clone() };
        let stops_by_itself = cli.command.stops_by_itself();
        let exit = tokio::select! {
            biased;
            () = lifecycle.hard.cancelled() => Ok(Exit::Child(INTERRUPTED)),
            exit = dispatch(cli.command, context) => exit,
            () = lifecycle.soft.cancelled(), if !stops_by_itself => Ok(Exit::Child(INTERRUPTED)),
        };
        if lifecycle.hard.is_cancelled() {
            // Without this their wardens would grant them their time after we are gone.
            brickyard_runner::warden::kill_descendants();
        }
        exit
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    exit
}

async fn dispatch(command: Command, context: Context) -> Result<Exit, Failure> {
    match command {
        Command::New(args) => new::run(args, &context),
        Command::Lsp(args) => lsp::run(args, &context).await,
        Command::Check(args) => check::run(args, &context).await,
        Command::Rule(args) => rule::run(&args, context.printer),
        Command::Run(args) => run::run(args, &context).await,
        Command::Exec(args) => exec::run(args, &context).await,
        Command::Env(args) => env::run(args, &context).await,
        Command::Sql(args) => sql::run(args, &context).await,
        Command::Psql(args) => psql::run(args, &context).await,
        Command::Reset(args) => reset::run(args, &context).await,
        Command::Up(args) => up::run(args, &context).await,
        Command::Down(args) => down::run(args, &context).await,
        Command::Status(args) => status::run(args, &context).await,
        Command::Bundle(args) => bundle::run(&args, &context),
        Command::Parity(args) => parity::run(args, &context).await,
        Command::Login(args) => login::run(args, &context).await,
        Command::Deploy(args) => deploy::run(args, &context).await,
        Command::Rollback(args) => rollback::run(args, &context).await,
        Command::List(args) => list::run(args, &context).await,
        Command::Get(args) => get::run(args, &context).await,
        Command::Start(args) => start::run(args, &context).await,
        Command::Stop(args) => stop::run(args, &context).await,
        Command::Delete(args) => delete::run(args, &context).await,
        Command::Logs(args) => logs::run(args, &context).await,
        Command::Open(args) => open::run(args, &context).await,
        Command::Doctor(args) => doctor::run(args, &context).await,
        Command::Clock(args) => clock::run(args, &context).await,
        Command::Fault(args) => fault::run(args, &context).await,
        Command::Grant(args) => grant::run(args, &context).await,
        Command::ExplainDenied(args) => explain_denied::run(args, &context).await,
        Command::Mcp(args) => mcp::run(args, &context).await,
        Command::Completions(args) => completions::run(&args, context.printer),
        Command::Reference(args) => reference::run(&args, context.printer),
    }
}

fn start_log(environment: &Environment, verbose: u8, color: bool) {
    let default = match verbose {
        // What rustls warns of is how clients end their sessions, which is theirs to say.
        0 => "warn,rustls=error",
        1 => {
            "warn,rustls=error,brickyard=info,brickyard_workspace=info,brickyard_runner=info,brickyard_engine=info,brickyard_postgres=info"
        }
        _ => {
            "info,brickyard=debug,brickyard_workspace=debug,brickyard_runner=debug,brickyard_engine=debug,brickyard_postgres=debug"
        }
    };
    let filter = environment.text(environment::LOG).unwrap_or(default);
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    // A second subscriber is impossible here: `main` calls this once.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(color)
        .with_target(false)
        // What cannot be written, for a full disk, is lost; to tell of that in the same place would end the request.
        .log_internal_errors(false)
        .try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        Cli::command().debug_assert();
    }
}
