//! `cyberid`: the platform, the parties around it, and their tools, in one executable.

mod command;
mod platform;
mod terminal;

use std::alloc::System;
use std::process::ExitCode;

use zeroizing_alloc::ZeroAlloc;

use command::Cli;

/// Whatever is freed is wiped: buffers that a library keeps names, numbers and PINs in, too (`docs/canaries.md`).
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    let cli = Cli::read();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(cli.run()),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            terminal::failure(&*error);
            ExitCode::FAILURE
        }
    }
}
