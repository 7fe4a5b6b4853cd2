//! The function's start: the environment, the clients, and then one run for each event.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::{Value, json};
use spot_manager::aws::Aws;
use spot_manager::{Answer, Config, Deadline, handle, init_error, metrics};
use spot_policy::Timestamp;

// One thread: the function has a fraction of one core, and all it does is wait for AWS.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(&json!({"error": error.to_string()}));
            ExitCode::FAILURE
        }
    }
}

/// Reads the environment and builds the clients once, then answers events until Lambda ends the process.
async fn start() -> Result<(), lambda_runtime::Error> {
    let (config, account) = match ready().await {
        Ok(ready) => ready,
        Err(error) => {
            if let Ok(host) = std::env::var("AWS_LAMBDA_RUNTIME_API") {
                // Told twice where it can be; the log has it either way.
                let _ = init_error::report(&host, &error.to_string());
            }
            return Err(error);
        }
    };
    let (config, account) = (&config, &account);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let deadline = Deadline::after(time_left(event.context.deadline()));
        // On the heap: the futures of the SDKs nest deeper than the compiler follows.
        Box::pin(run(config, account, &event.payload, deadline)).await
    }))
    .await
}

async fn ready() -> Result<(Config, Aws), lambda_runtime::Error> {
    let config = Config::from_env(|name| std::env::var(name).ok())?;
    let account = Aws::new(&config, &spot_manager::aws::sdk_config().await)?;
    Ok((config, account))
}

/// One run and its line in the log.
async fn run(config: &Config, account: &Aws, event: &Value, deadline: Deadline) -> Result<Answer, Diagnostic> {
    match handle(config, account, clock, event, deadline).await {
        Ok(answer) => {
            log(&answer);
            if let Answer::Ran(record) = &answer {
                let function = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
                metrics::line(config.metrics, &function, record).iter().for_each(log);
            }
            Ok(answer)
        }
        Err(fault) => {
            log(&json!({"error": fault.to_string()}));
            Err(Diagnostic { error_type: "GroupsUnreadable".to_owned(), error_message: fault.to_string() })
        }
    }
}

/// One JSON line; CloudWatch Logs makes an event of each.
fn log(line: &impl Serialize) {
    if let Ok(line) = serde_json::to_string(line) {
        // With nowhere to write, there is nobody to tell either.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

fn clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

fn time_left(until: SystemTime) -> Duration {
    until.duration_since(SystemTime::now()).unwrap_or_default()
}
