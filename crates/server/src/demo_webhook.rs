//! A receiver to try things out with: prints what it is sent.
//!
//! In: notifications over HTTP. Out: lines on standard output. It is not part of the server, and
//! only understands the webhook notifications of this server.

use std::process::ExitCode;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;

/// Limit: how much of a notification is read.
const BODY_BYTES_MAX: usize = 16 << 20;
const DEFAULT_ADDRESS: &str = "127.0.0.1:5001";

/// Serves until it is killed; the one argument is the address.
pub fn run(arguments: &[String]) -> ExitCode {
    if arguments.iter().any(|argument| ["-h", "--help"].contains(&argument.as_str())) {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let address = arguments.first().map_or(DEFAULT_ADDRESS, String::as_str);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let served = runtime.and_then(|runtime| runtime.block_on(serve(address)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo-webhook: error: {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(address: &str) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("demo webhook: listening on {}", listener.local_addr()?);
    axum::serve(listener, Router::new().fallback(print)).await
}

async fn print(request: Request) -> &'static str {
    let path = request.uri().path().to_owned();
    let body = to_bytes(request.into_body(), BODY_BYTES_MAX).await.unwrap_or_default();
    println!("demo webhook: {path} received {}", String::from_utf8_lossy(&body).trim_end());
    "ok"
}

const USAGE: &str = "\
usage: bellwether demo-webhook [ADDRESS]

Listens on ADDRESS, 127.0.0.1:5001 if none is given, and prints the notifications that it receives.
";
