//! The questions of `status` and `logs`, asked of AWS.

use super::{Account, reading};
use crate::deploy::cloud::Asked;
use crate::observe::{Alarm, LogPage};
use crate::spec::partition_of;

/// `DescribeAlarms` takes so many names at once, and answers with half as many unless it is asked for all.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>
const AT_ONCE: usize = 100;
const PAGE: i32 = 100;

impl Account {
    /// The alarms of these names that there are.
    ///
    /// # Errors
    /// AWS does not say.
    pub async fn alarms(&self, names: &[String]) -> Asked<Vec<Alarm>> {
        let mut alarms = Vec::new();
        for some in names.chunks(AT_ONCE) {
            let call = self.cloudwatch.describe_alarms().set_alarm_names(Some(some.to_vec()));
            let output = call.max_records(PAGE).send().await.map_err(self.told("DescribeAlarms"))?;
            alarms.extend(output.metric_alarms().iter().map(reading::alarm));
        }
        Ok(alarms)
    }

    /// One page of a log, from a moment on (milliseconds since 1970).
    ///
    /// # Errors
    /// AWS does not say.
    pub async fn log(&self, group: &str, from: i64, token: Option<&str>) -> Asked<LogPage> {
        let call = self.logs.filter_log_events().log_group_name(group).start_time(from.max(0));
        let output = call.set_next_token(token.map(Into::into)).send().await.map_err(self.told("FilterLogEvents"))?;
        let lines = output.events().iter().map(reading::log_line).collect();
        Ok(LogPage { lines, next: output.next_token().map(Into::into) })
    }

    /// The address of a stack's page in the console; `None` where this is not AWS itself, or a part of it whose console we do not
    /// know.
    pub fn console(&self, stack_arn: &str) -> Option<String> {
        let region = &self.region;
        let host = match partition_of(region) {
            _ if !self.endpoint.starts_with("AWS in ") => return None,
            "aws" => format!("{region}.console.aws.amazon.com"),
            "aws-cn" => "console.amazonaws.cn".to_owned(),
            "aws-us-gov" => "console.amazonaws-us-gov.com".to_owned(),
            _ => return None,
        };
        let arn: String = stack_arn
            .chars()
            .map(|char| match char {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' => char.to_string(),
                other => other.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect(),
            })
            .collect();
        Some(format!("https://{host}/cloudformation/home?region={region}#/stacks/stackinfo?stackId={arn}"))
    }
}
