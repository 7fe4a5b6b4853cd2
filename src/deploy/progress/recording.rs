//! A deployment as lines of JSON: what `--progress json` writes, and what a replay reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spot_policy::Timestamp;

use super::{Progress, Step};
use crate::deploy::event::Event;
use crate::neutral::neutral;

/// The to-do list: the line before the first step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Todo {
    /// The stack's name.
    pub stack: String,
    /// Its resources, in the order of the change set.
    pub resources: Vec<Listed>,
}

/// A resource on the to-do list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The resource's name in the template.
    pub logical_id: String,
    /// Such as `AWS::SQS::Queue`.
    pub resource_type: String,
    /// What it is for.
    #[serde(default)]
    pub about: Option<String>,
}

/// A line of the talk that a replay understands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "moment", rename_all = "snake_case")]
pub enum Line<'a> {
    /// What there is to do.
    Todo(Todo),
    /// A step of it.
    Step(&'a Step),
}

/// A recorded deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    todo: Todo,
    /// Oldest first.
    pub events: Vec<Event>,
}

/// Why a recording cannot be replayed.
#[derive(Debug, thiserror::Error, miette::Diagnostic, PartialEq, Eq)]
pub enum RecordingError {
    /// Not JSON, or not as we write it.
    #[error("line {line} is not one that `--progress json` writes: {why}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing began.
    #[error("it has no line with `\"moment\": \"todo\"`, so nothing was done in it")]
    Empty,
}

/// What of a line counts here; the other moments are for other readers.
#[derive(Deserialize)]
#[serde(tag = "moment", rename_all = "snake_case")]
enum Read {
    Todo(Todo),
    Step(ReadStep),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct ReadStep {
    logical_id: String,
    resource_type: String,
    status: String,
    reason: Option<String>,
    at: Timestamp,
}

impl Todo {
    /// The list of a deployment that has just begun.
    pub fn of(progress: &Progress) -> Self {
        let listed = |task: &super::Task| Listed {
            logical_id: task.logical_id.clone(),
            resource_type: task.resource_type.clone(),
            about: task.about.clone(),
        };
        Self { stack: progress.stack.clone(), resources: progress.tasks.iter().map(listed).collect() }
    }
}

impl Recording {
    /// Reads the lines of one deployment. Whoever wrote them, nothing in them can steer a terminal.
    ///
    /// # Errors
    /// A line is none of ours, or there is no to-do list.
    pub fn read(text: &str) -> Result<Self, RecordingError> {
        let (mut todo, mut events) = (None, Vec::new());
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let read = serde_json::from_str(line)
                .map_err(|error| RecordingError::Line { line: index + 1, why: error.to_string() })?;
            match read {
                Read::Todo(list) => todo = Some(list),
                Read::Step(step) => events.push(event(step, index)),
                Read::Other => {}
            }
        }
        Ok(Self { todo: todo.ok_or(RecordingError::Empty)?, events })
    }

    /// How far it is before the first event.
    pub fn begin(&self) -> Progress {
        let Todo { stack, resources } = &self.todo;
        let about = |listed: &Listed| Some((listed.logical_id.clone(), listed.about.clone()?));
        let abouts: BTreeMap<_, _> = resources.iter().filter_map(about).collect();
        let listed = resources.iter().map(|listed| (&*listed.logical_id, &*listed.resource_type));
        Progress::new(stack, listed, abouts)
    }
}

fn event(step: ReadStep, index: usize) -> Event {
    let safe = |text: String| neutral(&text).into_owned();
    Event {
        id: index.to_string(),
        at: step.at,
        logical_id: safe(step.logical_id),
        physical_id: None,
        resource_type: safe(step.resource_type),
        status: safe(step.status),
        reason: step.reason.map(safe),
        token: None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LINES: &str = r#"
{"moment":"target","stack":"media","region":"eu-west-1","account":"111122223333","status":null}
{"moment":"todo","stack":"media","resources":[{"logical_id":"GpuQueue","resource_type":"AWS::SQS::Queue","about":"gpu: the jobs"}]}
{"moment":"step","logical_id":"media","resource_type":"AWS::CloudFormation::Stack","about":null,"status":"CREATE_IN_PROGRESS","kind":"stack","seconds":null,"reason":"User Initiated","at":100}
{"moment":"step","logical_id":"GpuQueue","resource_type":"AWS::SQS::Queue","about":"gpu: the jobs","status":"CREATE_IN_PROGRESS","kind":{"begun":"create"},"seconds":null,"reason":null,"at":101}
{"moment":"step","logical_id":"GpuQueue","resource_type":"AWS::SQS::Queue","about":"gpu: the jobs","status":"CREATE_FAILED","kind":"failed","seconds":3,"reason":"it \u001b[31mexists","at":104}
"#;

    #[test]
    fn what_is_written_is_what_is_read() {
        let recording = Recording::read(LINES).expect("a recording");
        let mut progress = recording.begin();
        let mut again = vec![serde_json::to_string(&Line::Todo(Todo::of(&progress))).expect("JSON")];
        for event in &recording.events {
            let step = progress.fold(event, Duration::ZERO).expect("news");
            again.push(serde_json::to_string(&Line::Step(&step)).expect("JSON"));
        }
        let written: Vec<_> = LINES.trim().lines().skip(1).map(|line| line.replace(r"\u001b", r"\\u{1b}")).collect();
        assert_eq!(again, written);
        assert_eq!(progress.failures()[0].reason, r"it \u{1b}[31mexists");
    }

    #[test]
    fn what_is_no_recording_is_said_to_be_none() {
        assert_eq!(Recording::read("{\"moment\":\"stored\"}\n"), Err(RecordingError::Empty));
        let error = Recording::read("{\"moment\":\"todo\"}").expect_err("no list").to_string();
        assert!(error.starts_with("line 1 is not one that `--progress json` writes: missing field `stack`"), "{error}");
        assert!(Recording::read("hello").is_err());
    }
}
