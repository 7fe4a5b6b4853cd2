//! An error of an SDK, flattened once.

use std::error::Error;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::account::Fault;

/// How much of a message is kept, in characters: AWS appends long encoded texts to some.
const KEPT: usize = 300;

/// Turns what a call failed with into a [`Fault`]: AWS's code and message, or how far the call came.
pub(super) fn fault<E, R>(operation: &'static str) -> impl Fn(SdkError<E, R>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug + 'static,
{
    move |error| {
        let code = error.code().unwrap_or(match &error {
            SdkError::ConstructionFailure(_) => "Request",
            SdkError::TimeoutError(_) => "Timeout",
            SdkError::DispatchFailure(_) => "Connection",
            // An answer that is neither a result nor an error of AWS.
            _ => "Answer",
        });
        let message = error.message().map_or_else(|| causes(&error), str::to_owned);
        Fault { operation, code: code.to_owned(), message: message.chars().take(KEPT).collect() }
    }
}

/// The error and everything that led to it, without the requests that an SDK's `Debug` would show.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
