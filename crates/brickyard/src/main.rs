//! The `brickyard` binary: faces (`cli`, `mcp`) over `ops`.

mod cli;
mod environment;
mod failure;
mod lifecycle;
mod lsp;
mod mcp;
mod ops;
mod printer;
mod settings;

fn main() -> std::process::ExitCode {
    cli::main()
}
