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

/// A third of the time of `check`, and much of a request's, is spent on memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
