//! Events folded.

use super::*;
use crate::deploy::change_set::tests::change;
use spot_policy::Timestamp;

const QUEUE: &str = "AWS::SQS::Queue";
const STACK: &str = "AWS::CloudFormation::Stack";

/// (seconds, logical id, type, status, reason), oldest first.
type Line<'a> = (i64, &'a str, &'a str, &'a str, Option<&'a str>);

fn fold(progress: &mut Progress, lines: &[Line<'_>]) -> Vec<(String, StepKind, Option<i64>)> {
    lines
        .iter()
        .enumerate()
        .filter_map(|(index, (at, id, kind, status, reason))| {
            let event = Event {
                id: index.to_string(),
                at: Timestamp(*at),
                logical_id: (*id).into(),
                physical_id: None,
                resource_type: (*kind).into(),
                status: (*status).into(),
                reason: reason.map(Into::into),
                token: None,
            };
            progress.fold(&event, Duration::from_secs(at.unsigned_abs()))
        })
        .map(|step| (step.logical_id, step.kind, step.seconds))
        .collect()
}

fn list(ids: &[&str]) -> Progress {
    let changes: Vec<_> = ids.iter().map(|id| change(Action::Add, id, QUEUE)).collect();
    Progress::of_changes("media", &changes, BTreeMap::from([("A".into(), "The queue of A".into())]))
}

#[test]
fn a_creation_ticks_its_list_off() {
    let mut progress = list(&["A", "B"]);
    let steps = fold(
        &mut progress,
        &[
            (0, "media", STACK, "CREATE_IN_PROGRESS", Some("User Initiated")),
            (2, "A", QUEUE, "CREATE_IN_PROGRESS", None),
            (3, "A", QUEUE, "CREATE_IN_PROGRESS", Some("Resource creation Initiated")),
            (4, "B", QUEUE, "CREATE_IN_PROGRESS", None),
            (9, "A", QUEUE, "CREATE_COMPLETE", None),
            (9, "A", QUEUE, "CREATE_COMPLETE", None),
        ],
    );
    assert_eq!(
        steps,
        [
            ("media".into(), StepKind::Stack, None),
            ("A".into(), StepKind::Begun(Verb::Create), None),
            ("B".into(), StepKind::Begun(Verb::Create), None),
            ("A".into(), StepKind::Done(Verb::Create), Some(7)),
        ]
    );
    assert_eq!(progress.done(), (1, 2));
    assert_eq!(progress.doing().map(|task| task.logical_id.as_str()).collect::<Vec<_>>(), ["B"]);
    fold(&mut progress, &[(10, "B", QUEUE, "CREATE_COMPLETE", None), (11, "media", STACK, "CREATE_COMPLETE", None)]);
    assert_eq!((progress.done(), progress.status().map(|s| s.is_deployed())), ((2, 2), Some(true)));
}

#[test]
fn the_root_cause_is_the_first_failure_that_is_no_cancellation() {
    let mut progress = list(&["A", "B", "C"]);
    let mangled_by_nobody = "Resource handler returned message: \"The queue 'render-jobs' already exists\" (RequestToken: 1-2, HandlerErrorCode: AlreadyExists)";
    let steps = fold(
        &mut progress,
        &[
            (0, "media", STACK, "CREATE_IN_PROGRESS", None),
            (1, "A", QUEUE, "CREATE_IN_PROGRESS", None),
            (1, "B", QUEUE, "CREATE_IN_PROGRESS", None),
            (1, "C", QUEUE, "CREATE_IN_PROGRESS", None),
            (4, "B", QUEUE, "CREATE_FAILED", Some("Resource creation cancelled")),
            (4, "A", QUEUE, "CREATE_FAILED", Some(mangled_by_nobody)),
            (4, "C", QUEUE, "CREATE_FAILED", Some("Resource creation cancelled")),
            (5, "media", STACK, "ROLLBACK_IN_PROGRESS", Some("The following resource(s) failed to create: [A, B, C].")),
            (6, "C", QUEUE, "DELETE_IN_PROGRESS", None),
            (7, "C", QUEUE, "DELETE_FAILED", Some("it is in use")),
            (8, "A", QUEUE, "DELETE_COMPLETE", None),
            (9, "media", STACK, "ROLLBACK_FAILED", None),
        ],
    );
    let failures: Vec<_> = progress.failures().iter().map(|f| (f.logical_id.as_str(), f.reason.as_str())).collect();
    assert_eq!(failures, [("A", mangled_by_nobody), ("C", "it is in use")]);
    assert_eq!(progress.failures()[0].about.as_deref(), Some("The queue of A"));
    assert_eq!(progress.cancelled(), 2);
    assert_eq!(steps.iter().filter(|(_, kind, _)| *kind == StepKind::Cancelled).count(), 2);
}

#[test]
fn an_update_that_replaces_deletes_the_old_one_afterwards() {
    let mut progress = list(&["A"]);
    let steps = fold(
        &mut progress,
        &[
            (
                1,
                "A",
                QUEUE,
                "UPDATE_IN_PROGRESS",
                Some("Requested update requires the creation of a new physical resource; hence creating one."),
            ),
            (2, "A", QUEUE, "UPDATE_COMPLETE", None),
            (3, "media", STACK, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None),
            (4, "A", QUEUE, "DELETE_IN_PROGRESS", None),
            (6, "A", QUEUE, "DELETE_COMPLETE", None),
            (7, "media", STACK, "UPDATE_COMPLETE", None),
        ],
    );
    let kinds: Vec<_> = steps.into_iter().map(|(_, kind, _)| kind).collect();
    use StepKind::*;
    assert_eq!(kinds, [Begun(Verb::Update), Done(Verb::Update), Stack, Begun(Verb::Delete), Done(Verb::Delete), Stack]);
}

#[test]
fn an_update_that_is_undone_is_updated_back() {
    let mut progress = list(&["A", "B"]);
    fold(
        &mut progress,
        &[
            (1, "A", QUEUE, "UPDATE_IN_PROGRESS", None),
            (2, "A", QUEUE, "UPDATE_COMPLETE", None),
            (2, "B", QUEUE, "UPDATE_IN_PROGRESS", None),
            (3, "B", QUEUE, "UPDATE_FAILED", Some("no")),
            (
                4,
                "media",
                STACK,
                "UPDATE_ROLLBACK_IN_PROGRESS",
                Some("The following resource(s) failed to update: [B]."),
            ),
            (5, "A", QUEUE, "UPDATE_IN_PROGRESS", None),
        ],
    );
    assert_eq!(progress.doing().count(), 1);
    assert_eq!(progress.failures().len(), 1);
}

#[test]
fn a_deletion_says_what_stays() {
    let resource = |id: &str| Resource {
        logical_id: id.into(),
        resource_type: QUEUE.into(),
        physical_id: None,
        status: "CREATE_COMPLETE".into(),
    };
    let mut progress = Progress::of_deletion("media", &[resource("A"), resource("B")], BTreeMap::new());
    let steps = fold(
        &mut progress,
        &[
            (0, "media", STACK, "DELETE_IN_PROGRESS", Some("User Initiated")),
            (1, "A", QUEUE, "DELETE_IN_PROGRESS", None),
            (2, "A", QUEUE, "DELETE_COMPLETE", None),
            (2, "B", QUEUE, "DELETE_SKIPPED", None),
            (3, "media", STACK, "DELETE_COMPLETE", None),
        ],
    );
    assert_eq!(steps[3], ("B".into(), StepKind::Kept, None));
    assert_eq!(progress.done(), (2, 2));
}

#[test]
fn a_resource_that_nobody_foresaw_joins_the_list() {
    let mut progress = list(&[]);
    let steps = fold(&mut progress, &[(1, "New", QUEUE, "CREATE_IN_PROGRESS", None), (1, "Odd", QUEUE, "WEIRD", None)]);
    assert_eq!(steps.len(), 1);
    assert_eq!(progress.done(), (0, 2));
}
