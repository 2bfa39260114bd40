//! When to stop.

use std::io;

/// Completes when the process is told to end: SIGINT or SIGTERM.
///
/// The handlers are installed when this is called, so that no signal between start and first poll is lost.
///
/// # Errors
///
/// The operating system refuses the handlers.
#[cfg(unix)]
pub fn signal() -> io::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Completes when the process is told to end by Ctrl-C.
///
/// # Errors
///
/// None on this platform; a failing handler completes the future.
#[cfg(not(unix))]
pub fn signal() -> io::Result<impl Future<Output = ()> + Send> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
