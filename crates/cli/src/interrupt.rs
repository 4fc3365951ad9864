//! Ctrl-C and SIGTERM: the first asks every loop to end cleanly, the second ends the process.

use std::sync::atomic::{AtomicBool, Ordering};

use train::Flow;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Starts to listen.
pub fn listen() {
    let handler = || {
        if REQUESTED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        eprintln!(
            "noisescope: cannot listen for Ctrl-C ({error}); an interrupted run is still resumable"
        );
    }
}

/// Whether loops should go on.
pub fn flow() -> Flow {
    if REQUESTED.load(Ordering::Relaxed) { Flow::Stop } else { Flow::Continue }
}
