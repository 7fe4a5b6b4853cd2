//! Manners: what is said about credentials, clocks and Regions, what is written down of each request, the manual, and what happens
//! where nobody listens.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::{fs, thread};

use crate::project::{Project, Ran, SPEC};

/// An AWS that answers everything with this status and body. It ends with the test.
fn aws(status: u16, body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: text/xml\r\nx-amzn-RequestId: 11-22\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = Vec::new();
            let mut piece = [0; 4096];
            // Requests of these commands are small: the head, then at most as much as it says.
            while let Ok(read @ 1..) = stream.read(&mut piece) {
                request.extend_from_slice(&piece[..read]);
                if is_whole(&request) {
                    break;
                }
            }
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0_usize)
}

fn refusal(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>11-22</RequestId></ErrorResponse>"
    )
}

/// Runs a command with credentials, against an endpoint.
fn run(project: &Project, words: &[&str], endpoint: &str) -> Ran {
    let mut command = project.command(words);
    command.args(["--region", "eu-west-1", "--endpoint-url", endpoint]);
    command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI");
    command.env("AWS_SESSION_TOKEN", "FwoGZXIvYXdzEXAMPLE");
    Ran::of(command.output().expect("spotstack runs"))
}

#[test]
fn what_aws_refuses_is_explained_with_the_command_that_mends_it() {
    for (status, code, message, words) in [
        (
            403,
            "ExpiredToken",
            "The security token included in the request is expired",
            ["ExpiredToken", "aws sso login"],
        ),
        (
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid",
            ["enable-region", "get-caller-identity"],
        ),
        (
            403,
            "SignatureDoesNotMatch",
            "Signature expired: 20261123T204931Z is now earlier than 20261123T210431Z",
            ["clock", "timedatectl"],
        ),
        (
            403,
            "AccessDenied",
            "User: arn:aws:iam::111122223333:user/ci is not authorized to perform: cloudformation:DescribeStacks on resource: x because no identity-based policy allows it",
            ["allow `cloudformation:DescribeStacks`", "spotstack render --deployer-policy"],
        ),
    ] {
        let endpoint = aws(status, &refusal(code, message));
        let project = Project::with(SPEC);
        for command in [&["status"][..], &["logs"], &["explain"], &["deploy", "--yes"]] {
            run(&project, command, &endpoint).exits(1).says(&words).says(&["11-22"]);
        }
    }
}

#[test]
fn a_session_that_has_ended_is_told_from_none() {
    let project = Project::with(SPEC);
    fs::create_dir_all(project.path(".aws/sso/cache")).expect("a folder");
    let config = "[profile media]\nsso_session = studio\nsso_account_id = 111122223333\nsso_role_name = dev\nregion = eu-west-1\n[sso-session studio]\nsso_region = eu-west-1\nsso_start_url = https://studio.awsapps.com/start\n";
    fs::write(project.path(".aws/config"), config).expect("a file");
    project.run(&["status", "--profile", "media"]).exits(1).says(&["credentials were not to be had", "aws sso login"]);
    project
        .run(&["status", "--region", "eu-west-1"])
        .exits(1)
        .says(&["no AWS credentials were found", "aws configure sso"]);
    project.run(&["deploy", "--yes", "--region", "eu-west-1"]).exits(1).says(&["no AWS credentials were found"]);
    project.run(&["status"]).exits(1).says(&["no Region is known", "--region eu-west-1"]);
    project
        .run(&["status", "--profile", "nope", "--region", "eu-west-1"])
        .exits(1)
        .says(&["there is no profile `nope` in the AWS configuration files", "aws configure list-profiles"]);
}

#[test]
fn requests_are_written_down_and_nothing_in_them() {
    let project = Project::with(SPEC);
    let endpoint = aws(403, &refusal("ExpiredToken", "expired"));
    run(&project, &["status", "--debug", "debug.log"], &endpoint).exits(1);
    let log = project.read("debug.log");
    for part in [
        "spotstack ",
        " cloudformation DescribeStacks: 403 in ",
        " sts GetCallerIdentity: 403 in ",
        "attempt 1",
        "request 11-22",
    ] {
        assert!(log.contains(part), "«{part}» is not in:\n{log}");
    }
    for secret in ["AKIDEXAMPLE", "wJalrXUtnFEMI", "FwoGZXIvYXdzEXAMPLE", "Signature"] {
        assert!(!log.contains(secret), "«{secret}» is in:\n{log}");
    }
    run(&project, &["status", "--debug", "no/such/debug.log"], &endpoint)
        .exits(1)
        .says(&["cannot write `no/such/debug.log`"]);
    run(&project, &["status", "-v"], &endpoint)
        .exits(1)
        .says(&["cloudformation DescribeStacks: 403 in", "request 11-22"]);
    let quiet = run(&project, &["status", "-v", "-q"], &endpoint).exits(1);
    assert!(!quiet.stderr().contains("DescribeStacks: 403 in"), "{}", quiet.stderr());
}

/// Commands that write data, and need no AWS for it.
const DATA: &[&[&str]] = &[
    &["render"],
    &["render", "--format", "json"],
    &["check"],
    &["check", "--format", "json"],
    &["check", "--list"],
    &["cost", "--offline"],
    &["cost", "--offline", "--format", "json"],
    &["simulate", "--duration", "1d", "--format", "csv"],
    &["explain", "--situation", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/deployments/records.jsonl")],
    &["schema"],
    &["completions", "bash"],
    &["man"],
];

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let project = Project::with(SPEC);
    for words in DATA {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let ran = Ran::of(project.command(words).arg("--quiet").stdout(writer).output().expect("spotstack runs"));
        assert_eq!(ran.exits(0).stderr(), "", "{words:?}");
    }
}

/// Half a template is worse than none, and must not look like one.
#[cfg(target_os = "linux")]
#[test]
fn data_that_cannot_be_written_is_an_error() {
    let project = Project::with(SPEC);
    for words in DATA {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a disk that is full");
        let ran = Ran::of(project.command(words).stdout(full).output().expect("spotstack runs"));
        ran.exits(1).says(&["cannot write to standard output", "No space left"]);
    }
}

#[test]
fn where_nobody_listens_the_exit_code_is_the_same() {
    let project = Project::with(SPEC).file("stale.yaml", "");
    for (words, code) in [
        (&["render", "-o", "template.yaml"][..], 0),
        (&["render", "--check", "stale.yaml"], 2),
        (&["render", "-f", "none.yaml"], 1),
        (&["status", "-v", "--region", "eu-west-1"], 1),
        (&["reder"], 1),
    ] {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let status = project.command(words).stderr(writer).status().expect("spotstack runs");
        assert_eq!(status.code(), Some(code), "{words:?}");
    }
}

#[test]
fn what_is_to_be_copied_stands_in_one_piece() {
    let told = Project::empty().run(&["eject", "none"]).exits(1).stderr();
    for name in ["user-data.yaml", "launch-configuration.yaml", "existing-groups.yaml"] {
        assert!(told.contains(name), "{told}");
    }
}

/// The options of one command stand together, before those of all.
#[test]
fn help_has_a_commands_own_options_first() {
    let help = Project::empty().run(&["init", "-h"]).exits(0).stdout();
    let place = |what: &str| help.find(what).unwrap_or_else(|| panic!("{what} is not in:\n{help}"));
    assert!(place("--stack") < place("--force"), "{help}");
    assert!(place("--force") < place("Options of every command:"), "{help}");
    assert!(place("Options of every command:") < place("--file <FILE>"), "{help}");
    let commands = Project::empty().run(&["-h"]).exits(0).stdout();
    let of_commands =
        commands.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    for line in of_commands {
        assert!(line.len() <= 80 && line.starts_with("  ") && !line.starts_with("   "), "a line each: {line}");
    }
}

#[test]
fn there_is_a_page_of_the_manual_for_each_command() {
    let project = Project::empty();
    let page = project.run(&["man"]).exits(0).stdout();
    assert!(page.contains(".TH spotstack 1"), "{page}");
    project.run(&["man", "manual"]).exits(0).says(&["wrote the manual into manual"]);
    let pages: BTreeSet<String> = fs::read_dir(project.path("manual"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    for command in ["deploy", "status", "logs", "explain", "diff"] {
        assert!(pages.contains(&format!("spotstack-{command}.1")), "{pages:?}");
    }
    assert!(!project.read("manual/spotstack-deploy.1").contains("replay"), "what is hidden stays hidden");
    project.file("taken", "").run(&["man", "taken"]).exits(1).says(&["cannot write the manual into `taken`"]);
}

#[test]
fn what_was_seen_is_explained_without_aws() {
    let project = Project::with(SPEC);
    let log = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/deployments/records.jsonl");
    let told = project.run(&["explain", "--situation", log]).exits(0).stdout();
    assert!(told.contains("gpu: scale up Spot to 3\n"), "{told}");
    assert!(told.contains("  then: scale up Spot to 2\n"), "the policy of the log had two workers at most:\n{told}");
    assert!(told.contains("eu-west-1a   0.3000   0.3000   0.4675  worth it"), "{told}");
    let json = project.run(&["explain", "--format", "json", "--situation", log]).exits(0).stdout();
    let record: serde_json::Value = serde_json::from_str(json.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&record["trigger"], &record["policy"]["max"]), (&"explain".into(), &4.into()));
    project.run(&["explain", "--situation", "none.json"]).exits(1).says(&["cannot read `none.json`"]);
    let project = project.file("wrong.json", "{\"now\": 1}");
    project.run(&["explain", "--situation", "wrong.json"]).exits(1).says(&["value 1 is no situation", "missing field"]);
}

#[test]
fn a_recorded_deployment_is_drawn_without_aws() {
    let project = Project::empty();
    let recorded = |name: &str| format!("{}/tests/deployments/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let replay = |name: &str, how: &str| {
        project.run(&["deploy", "--replay", &recorded(name), "--speed", "10000", "--progress", how]).exits(0)
    };
    let plain = replay("failure-with-rollback", "auto").stderr();
    // One line for each state change that is an end, a heartbeat where nothing ends, and no line twice.
    let begun: Vec<_> = plain.lines().filter(|line| line.contains("creating") || line.contains("deleting")).collect();
    assert_eq!(begun, [""; 0]);
    assert!(plain.contains("✗ failed   GpuSpotGroup                     3s  gpu: the Spot workers\n"), "{plain}");
    assert!(plain.contains("  … 2 of 28 done, at GpuDeadLetterQueue\n"), "{plain}");
    assert!(plain.contains("media-workers is ROLLBACK_COMPLETE"), "{plain}");
    assert!(!plain.contains('\u{1b}'), "no codes where there is no terminal");
    replay("failure-with-rollback", "auto").says(&["root cause: GpuSpotGroup"]);

    let json = replay("update-with-replacement", "json").stdout();
    let moments: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(moments[0]["moment"], "todo");
    assert_eq!(moments.last().expect("an end")["status"], "UPDATE_COMPLETE");
    // What it writes, it reads.
    let again = Project::empty().file("again.jsonl", json.clone());
    assert_eq!(
        again.run(&["deploy", "--replay", "again.jsonl", "--speed", "10000", "--progress", "json"]).exits(0).stdout(),
        json
    );

    assert_eq!(replay("create", "none").stderr().lines().count(), 1, "only that it has ended");
    project.run(&["deploy", "--replay", "none.jsonl"]).exits(1).says(&["cannot read `none.jsonl`"]);
    project.run(&["deploy", "--replay", &recorded("create"), "--speed", "0"]).exits(1).says(&["not a number between"]);
}
