//! What CloudFormation cannot say: whether the functions run the code that was deployed, and whether it works.

use std::collections::BTreeMap;
use std::time::Duration;

use spot_policy::{Fact, Record};

use super::PairName;
use super::audience::{Audience, Moment};
use super::cloud::{Cloud, Explained};
use super::error::DeployError;
use super::trouble::{CloudError, Trouble};
use crate::neutral::neutral;
use crate::package::Package;

/// The pauses before a SpotManager that fails is asked again. IAM takes some seconds to know a new role everywhere.
const AGAIN_AFTER: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];

/// The name of a pair's function, from the stack's outputs.
pub fn function<'a>(pair: PairName<'_>, outputs: &'a BTreeMap<String, String>) -> Option<&'a str> {
    outputs.get(&format!("{}SpotManagerName", pair.id)).map(String::as_str)
}

/// Checks that every pair's function runs the package. A change of the code behind CloudFormation's back is invisible to it:
/// no drift, no change set.
///
/// # Errors
/// A function is missing, or runs something else.
pub async fn code<C: Cloud, A: Audience>(
    pairs: &[PairName<'_>],
    outputs: &BTreeMap<String, String>,
    package: &Package,
    bucket: &str,
    cloud: &C,
    audience: &mut A,
) -> Result<(), DeployError> {
    for &pair in pairs {
        let missing = |what: String| DeployError::NoFunction { pair: pair.name.into(), what };
        let name = function(pair, outputs).ok_or_else(|| missing(format!("no output `{}SpotManagerName`", pair.id)))?;
        match cloud.code_sha256(name).await {
            Ok(Some(found)) if found == package.code_sha256() => {
                audience.hear(&Moment::CodeIsRight { pair: pair.name });
            }
            Ok(Some(found)) => {
                return Err(DeployError::OtherCode {
                    function: name.into(),
                    found,
                    wanted: package.code_sha256(),
                    bucket: bucket.into(),
                    key: package.key(),
                });
            }
            Ok(None) => return Err(missing(format!("`{name}` does not exist"))),
            Err(error) => warn(pair, "the code of its function could not be compared", &error, audience),
        }
    }
    Ok(())
}

/// Asks every pair's SpotManager what it would do now. Its answer shows that it starts, that its permissions hold, and that
/// it sees its groups and its queue.
///
/// # Errors
/// One fails.
pub async fn self_test<C: Cloud, A: Audience>(
    pairs: &[PairName<'_>],
    outputs: &BTreeMap<String, String>,
    cloud: &C,
    audience: &mut A,
) -> Result<(), DeployError> {
    for &pair in pairs {
        let Some(name) = function(pair, outputs) else { continue };
        match ask(name, cloud).await {
            Ok(Answer::Record(record)) => {
                let decision = record.decision.to_string();
                let decision = neutral(&decision);
                audience.hear(&Moment::SelfTested { pair: pair.name, decision: &decision });
            }
            Ok(Answer::Blind { what, .. }) => {
                let text = format!("the SpotManager of `{}` works, but {what}", pair.name);
                audience.hear(&Moment::Warning { text: &text });
            }
            Ok(Answer::Failed { error, log }) => {
                audience.hear(&Moment::SelfTestFailed { pair: pair.name, error: &error, log: &log });
                return Err(DeployError::SelfTest { pair: pair.name.into() });
            }
            Err(error) => warn(pair, "its SpotManager could not be asked what it would do", &error, audience),
        }
    }
    Ok(())
}

fn warn<A: Audience>(pair: PairName<'_>, what: &str, error: &CloudError, audience: &mut A) {
    audience.hear(&Moment::Warning { text: &format!("`{}`: {what}: {error}", pair.name) });
}

/// What a SpotManager answers.
#[derive(Debug)]
pub enum Answer {
    /// What it would do.
    Record(Box<Record>),
    /// What it would do, although it cannot see something that it should.
    Blind {
        /// What it would do.
        record: Box<Record>,
        /// What it cannot see.
        what: String,
    },
    /// It failed.
    Failed {
        /// Its error.
        error: String,
        /// The end of its log.
        log: String,
    },
}

/// Asks, and asks again while it does not answer well.
async fn ask(function: &str, cloud: &impl Cloud) -> Result<Answer, CloudError> {
    let mut pauses = AGAIN_AFTER.iter();
    loop {
        let answer = cloud.explain(function).await.map(|explained| read(&explained));
        let final_answer = match &answer {
            Ok(Answer::Record(_)) => true,
            // Permission to ask will not come by waiting.
            Err(error) => error.trouble == Trouble::Denied,
            Ok(_) => false,
        };
        match pauses.next() {
            Some(pause) if !final_answer => tokio::time::sleep(*pause).await,
            _ => return answer,
        }
    }
}

/// Understands an answer.
pub fn read(explained: &Explained) -> Answer {
    // Whatever the function says, it may have from somebody else.
    let failed = |error: String| Answer::Failed { error: neutral(&error).into_owned(), log: explained.log.clone() };
    if let Some(word) = &explained.error {
        return failed(format!("{word}: {}", error_message(&explained.payload)));
    }
    match serde_json::from_slice::<Record>(&explained.payload) {
        Ok(record) => match blindness(&record) {
            Some(what) => Answer::Blind { record: Box::new(record), what: neutral(&what).into_owned() },
            None => Answer::Record(Box::new(record)),
        },
        Err(error) => failed(format!("it answers no record that this spotstack can read: {error}")),
    }
}

/// AWS Lambda wraps an error as `{"errorType": …, "errorMessage": …}`.
fn error_message(payload: &[u8]) -> String {
    let text = String::from_utf8_lossy(payload);
    let message = serde_json::from_str::<serde_json::Value>(&text)
        .ok()
        .and_then(|value| Some(value.get("errorMessage")?.as_str()?.to_owned()));
    message.unwrap_or_else(|| text.into_owned())
}

fn blindness(record: &Record) -> Option<String> {
    let situation = &record.situation;
    match (&situation.queue, &situation.prices) {
        (Fact::Unreadable(why), _) => Some(format!("cannot read its queue: {why}")),
        (_, Fact::Unreadable(why)) => Some(format!("cannot read the Spot prices: {why}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::fake::{Fake, Listener, outputs, package, pair, record};
    use crate::deploy::trouble::tests::error;

    fn failed() -> Explained {
        let payload = br#"{"errorType":"Fault","errorMessage":"cannot see the groups: AccessDenied"}"#.to_vec();
        Explained { payload, error: Some("Unhandled".into()), log: "the last line".into() }
    }

    async fn test(
        answers: impl IntoIterator<Item = Result<Explained, CloudError>>,
    ) -> (Result<(), DeployError>, Listener, Fake) {
        let (cloud, mut audience) = (Fake::default().explains(answers), Listener::default());
        let result = self_test(&[pair()], &outputs(), &cloud, &mut audience).await;
        (result, audience, cloud)
    }

    #[tokio::test(start_paused = true)]
    async fn a_role_that_iam_does_not_know_yet_is_waited_for() {
        let (result, audience, cloud) = test([Ok(failed()), Ok(failed()), Ok(record())]).await;
        assert!(result.is_ok());
        assert_eq!(audience.heard(), ["self_tested"]);
        assert_eq!(cloud.calls().len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_spot_manager_that_keeps_failing_fails_the_deploy_with_its_log() {
        let (result, audience, _) = test([Ok(failed())]).await;
        assert!(matches!(result, Err(DeployError::SelfTest { pair }) if pair == "gpu"));
        assert!(audience.told[0].contains("Unhandled: cannot see the groups: AccessDenied"), "{:?}", audience.told);
        assert!(audience.told[0].contains("the last line"));
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_permission_to_ask_it_is_a_warning() {
        let (result, audience, cloud) = test([Err(error(Trouble::Denied, "AccessDeniedException", "no"))]).await;
        assert!(result.is_ok());
        assert_eq!((audience.heard(), cloud.calls().len()), (vec!["warning".to_owned()], 1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_no_record_is_a_failure() {
        let (result, ..) = test([Ok(Explained { payload: b"{}".to_vec(), error: None, log: String::new() })]).await;
        assert!(matches!(result, Err(DeployError::SelfTest { .. })));
    }

    #[test]
    fn what_a_function_says_cannot_steer_a_terminal() {
        let payload = "{\"errorMessage\":\"\\u001b[2J\"}".as_bytes().to_vec();
        let explained = Explained { payload, error: Some("Unhandled".into()), log: String::new() };
        let Answer::Failed { error, .. } = read(&explained) else { panic!("it failed") };
        assert_eq!(error, "Unhandled: \\u{1b}[2J");
    }

    #[tokio::test]
    async fn other_code_is_found_whatever_the_stack_says() {
        let check = async |sha256: Option<&str>| {
            let cloud = Fake::default().code(sha256);
            code(&[pair()], &outputs(), &package(), "bucket", &cloud, &mut Listener::default()).await
        };
        assert!(check(Some(&package().code_sha256())).await.is_ok());
        let error = check(Some("other")).await.expect_err("differs");
        let help = miette::Diagnostic::help(&error).map(|help| help.to_string()).unwrap_or_default();
        assert!(
            help.contains(
                "update-function-code --function-name gpu-spot-manager --s3-bucket bucket --s3-key spotstack/"
            )
        );
        assert!(matches!(check(None).await, Err(DeployError::NoFunction { .. })));
        let nothing = BTreeMap::new();
        let missing = code(&[pair()], &nothing, &package(), "b", &Fake::default(), &mut Listener::default()).await;
        assert!(matches!(missing, Err(DeployError::NoFunction { .. })));
    }
}
