//! The warden by itself, for the tests of this crate; `brickyard warden` is the same function.

use std::process::ExitCode;

fn main() -> ExitCode {
    brickyard_runner::warden::main(std::env::args_os().skip(1))
}
