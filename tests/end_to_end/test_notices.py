"""Who hears of the turns that a pair takes: an e-mail address with a topic of its own, or a topic that exists."""

from __future__ import annotations

import json

import pytest

from project import CHEAP, DEAR, REGION, prices

OPS = "ops@example.com"


class Reader:
    """Somebody who reads a topic: a queue that is subscribed to it."""

    def __init__(self, world, topic: str):
        self._sqs = world.client("sqs")
        self._url = self._sqs.create_queue(QueueName=f"reader-of-{topic.rpartition(':')[2]}"[:80])["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        world.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def letters(self) -> list[tuple[str, str]]:
        """Subject and body of all that came since the last time."""
        letters = []
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                body = json.loads(message["Body"])
                letters.append((body["Subject"], body["Message"]))
        return letters


def _told(pair) -> list[dict]:
    return [record["told"] for record in pair.records() if "told" in record]


def test_an_address_hears_of_a_fallback_once(deploy, world):
    """The topic and its subscription are the stack's; the letter says what happened, where, why and what to do."""
    gpu = deploy(manager={"notify": OPS})
    topic = gpu.ids["NoticeTopic"]
    (subscription,) = world.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", OPS)
    reader = Reader(world, topic)
    world.capacity("spot", 0)
    gpu.work_arrives()
    gpu.becomes(spot=0, on_demand=1)
    gpu.look()
    ((subject, body),) = reader.letters()
    assert subject == f"On-Demand serves: gpu of media-workers, {REGION}"
    assert body.startswith("On-Demand serves: 1 worker.\n")
    # Each zone's refusal wakes a run; the one that tells need not be the one that did it.
    for words in ("no capacity", "The On-Demand group was set to 1", "Nothing: the jobs are served."):
        assert words in body
    assert _told(gpu) == [{"topic": topic, "error": None}]


def test_a_topic_hears_of_the_fallback_and_of_the_way_back(deploy, world):
    """A topic that exists, in another Region even; Spot serves again after a probe, and that is told as well."""
    elsewhere = type(world)(world.endpoint, "us-east-1")
    topic = elsewhere.client("sns").create_topic(Name="operators")["TopicArn"]
    reader = Reader(elsewhere, topic)
    prices(world, DEAR)
    gpu = deploy(manager={"notify": topic}, spot={"revert": "1m"}, workers={"max": 2, "protect": True})
    assert "NoticeTopic" not in gpu.ids
    gpu.work_arrives()
    gpu.becomes(spot=0, on_demand=1)
    prices(world, CHEAP)
    gpu.look()
    gpu.look()
    assert gpu.desired() == (1, 0)
    subjects = [subject.partition(":")[0] for subject, _ in reader.letters()]
    assert subjects == ["On-Demand serves", "Spot serves again"]


def test_both_refused_and_a_wrong_definition_are_told_in_aws_s_words(deploy, world):
    """Nobody serves: the letter says so first, and what AWS said."""
    gpu = deploy(manager={"notify": OPS})
    reader = Reader(world, gpu.ids["NoticeTopic"])
    world.capacity("spot", 0)
    world.capacity("on-demand", 0)
    gpu.work_arrives()
    for _ in range(3):
        gpu.look()
    # Of two runs at the same moment either may be heard first.
    letters = [(subject.partition(": gpu")[0], body) for subject, body in reader.letters()]
    nobody = "Jobs wait: no Spot, no On-Demand"
    assert sorted(subject for subject, _ in letters) == [nobody, "On-Demand serves"]
    assert "We currently do not have sufficient" in dict(letters)[nobody]


def test_a_wrong_definition_is_told(deploy, world):
    gpu = deploy(manager={"notify": OPS})
    reader = Reader(world, gpu.ids["NoticeTopic"])
    world.capacity("spot", 0, because="configuration")
    gpu.work_arrives()
    gpu.becomes(spot=0, on_demand=0)
    ((subject, body),) = reader.letters()
    assert subject.startswith("Jobs wait: nothing can be launched: gpu")
    assert "The requested configuration is currently not supported" in body and "spotstack deploy" in body


def test_a_topic_that_is_gone_keeps_nobody_from_being_served(deploy, world):
    """The notice fails, the record says so, and On-Demand serves."""
    topic = world.client("sns").create_topic(Name="operators")["TopicArn"]
    gpu = deploy(manager={"notify": topic})
    world.client("sns").delete_topic(TopicArn=topic)
    world.capacity("spot", 0)
    gpu.work_arrives()
    gpu.becomes(spot=0, on_demand=1)
    (told,) = _told(gpu)
    assert told["topic"] == topic and told["error"].startswith("Publish: NotFound")


def test_the_role_may_tell_this_topic_and_no_other(serve, tmp_path):
    """With IAM enforced: the pair's own topic hears of it; one that it is pointed at by hand does not."""
    from project import Project

    world = serve("--auth", "--no-ticks")
    prices(world, CHEAP)
    project = Project(tmp_path / "project", world)
    project.write(manager={"notify": OPS})
    project.deploy()
    gpu = project.pair()
    world.capacity("spot", 0)
    gpu.work_arrives()
    gpu.becomes(spot=0, on_demand=1)
    assert _told(gpu) == [{"topic": gpu.ids["NoticeTopic"], "error": None}]
    foreign = world.client("sns").create_topic(Name="foreign")["TopicArn"]
    variables = gpu.environment | {"NOTIFY": foreign}
    world.client("lambda").update_function_configuration(
        FunctionName=gpu.ids["SpotManager"], Environment={"Variables": variables}
    )
    gpu.work_ends()
    gpu.send()
    gpu.look()
    told = _told(gpu)[-1]
    assert told["topic"] == foreign and told["error"].startswith(("Publish: AccessDenied", "Publish: AuthorizationError"))


@pytest.mark.parametrize("wanted", [True, False])
def test_a_dashboard_is_there_if_it_is_asked_for(deploy, project, world, wanted):
    """Its names are those of the deployed resources, and destroy takes it away."""
    gpu = deploy(manager={"dashboard": wanted})
    cloudwatch = world.client("cloudwatch")
    entries = cloudwatch.list_dashboards()["DashboardEntries"]
    assert [each["DashboardName"] for each in entries] == ([f"media-workers-{REGION}-gpu"] if wanted else [])
    if wanted:
        body = json.loads(cloudwatch.get_dashboard(DashboardName=entries[0]["DashboardName"])["DashboardBody"])
        text = json.dumps(body)
        for name in ("SpotManager", "SpotGroup", "OnDemandGroup", "SpotManagerLogs"):
            assert gpu.ids[name] in text, name
        assert gpu.queue in text and "${" not in text
    project.run("destroy", "--yes").ok()
    assert cloudwatch.list_dashboards()["DashboardEntries"] == []
