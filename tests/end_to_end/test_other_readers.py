"""What is rendered, read by others: CloudFormation's YAML 1.1, and an editor with the spec's JSON Schema."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from project import BINARY, REPOSITORY, SPEC

#: What YAML 1.1 reads as something else than the string it is, or what could end a value and begin another.
HOSTILE = [
    *("yes", "No", "on", "OFF", "y", "N", "~", "null", "Null", "true", "0755", "0o14", "1e3", "6.02e+23", ".5", ".inf", "-.INF"),
    *("+1", "0x1F", "0b11", "1_000", "12:30:45", "190:20:30.15", "012345678901", "2001-01-01", "2001-12-14t21:59:43.10-05:00"),
    *("=", "<<", "---", "...", "- a", "-", "?", "? a", ":", ": a", "a:", "a: b", "x # y", "#x", "#% if", "%TAG", "@a", "`a`"),
    *("*a", "&a", "!Ref X", "!!int 1", "|", "> x", "'", "it's", '"quoted"', "back\\slash", "{a: b}", "[a]", "a, b]", "a}", "${{ x }}"),
    *("{{resolve:ssm:/x}}", "{{ x }}", "#{ x }#", "${AWS::Region}", "${!x}", "🙂", "naïve", "\u2028x", "x\u2029", "\ufeffx", "\u00a0"),
    *(" leads", "trails ", "  ", "x" * 256, ""),
]

#: What no stack may have in a tag.
REFUSED = ["two\nlines", "tab\there", "\x85next", "\x1b[31m", "\x7f", "\r", "\x00", "x" * 257]


class YamlOneOne(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """PyYAML's reader of YAML 1.1, by libyaml where that is there, with CloudFormation's short forms."""


def _long_form(loader: YamlOneOne, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


YamlOneOne.add_multi_constructor("!", _long_form)


def render(spec: Any, folder: Path, *options: str) -> subprocess.CompletedProcess:
    """Renders a spec; JSON is YAML, and says what it says."""
    (folder / "spotstack.yaml").write_text(json.dumps(spec))
    (folder / "worker.sh").write_text("#!/bin/bash\necho working\n")
    return subprocess.run([BINARY, "render", *options], cwd=folder, capture_output=True, text=True)


def read(spec: Any, folder: Path) -> dict[str, Any]:
    """The template as YAML 1.1 has it, which must be as spotstack itself has it."""
    rendered = render(spec, folder)
    assert rendered.returncode == 0, rendered.stderr
    document = yaml.load(rendered.stdout, YamlOneOne)
    assert document == json.loads(render(spec, folder, "--format", "json").stdout)
    return document


def with_tags(tags: dict[str, str]) -> dict[str, Any]:
    return copy.deepcopy(SPEC) | {"tags": tags}


def takes(spec: Any, folder: Path) -> bool:
    return render(spec, folder).returncode == 0


def test_every_hostile_value_is_refused_or_arrives_as_it_is(tmp_path):
    """In tags, as keys and as values: nothing is changed, nothing is added."""
    plain = read(with_tags({"team": "media"}), tmp_path)
    arrived = 0
    # IAM takes keys that differ in case only for the same, and a spec that has both is refused.
    keys = {value.lower(): value for value in HOSTILE if value and len(value) <= 128}.values()
    for values in ({f"k{index}": value for index, value in enumerate(HOSTILE)}, {key: "x" for key in keys}):
        # A spec may refuse some of them, and takes at most 40 tags.
        good = {key: value for key, value in values.items() if takes(with_tags({key: value}), tmp_path)}
        for some in (dict(list(good.items())[:40]), dict(list(good.items())[40:])):
            document = read(with_tags(some), tmp_path)
            assert document["Resources"].keys() == plain["Resources"].keys()
            for group in ("GpuSpotGroup", "GpuOnDemandGroup"):
                tags = document["Resources"][group]["Properties"]["Tags"][1:]
                assert {tag["Key"]: tag["Value"] for tag in tags} == some
            tagged = document["Resources"]["GpuSpotLaunch"]["Properties"]["LaunchTemplateData"]["TagSpecifications"]
            assert [kind["ResourceType"] for kind in tagged] == ["instance", "volume"]
            for kind in tagged:
                assert {tag["Key"]: tag["Value"] for tag in kind["Tags"]} == some
            arrived += len(some)
    assert arrived > 60


@pytest.mark.parametrize("value", REFUSED)
def test_what_no_tag_may_say_is_refused(value, tmp_path):
    refused = render(with_tags({"team": value}), tmp_path)
    assert refused.returncode == 1 and refused.stdout == "" and "panicked" not in refused.stderr


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("launch", "key_name"), ("SpotLaunch", "LaunchTemplateData", "KeyName")),
        (("launch", "instance_profile"), ("SpotLaunch", "LaunchTemplateData", "IamInstanceProfile", "Name")),
        (("queue", "name"), ("Queue", "QueueName")),
    ],
    ids=lambda steps: steps[-1],
)
def test_names_arrive_or_are_refused(path, place, tmp_path):
    """A name is a string, even where YAML 1.1 reads a number, a time or a boolean."""
    section, key = path
    resource, *steps = place

    def named(values: list[str]) -> dict[str, Any]:
        """A pair for each."""
        spec, pair = copy.deepcopy(SPEC), SPEC["pairs"]["gpu"]
        pairs = {f"p{index}": copy.deepcopy(pair) for index in range(len(values))}
        for index, value in enumerate(values):
            pairs[f"p{index}"]["queue"]["name"] = f"jobs-{index}"
            pairs[f"p{index}"][section][key] = value
        return spec | {"pairs": pairs}

    arrived = [value for value in HOSTILE if takes(named([value]), tmp_path)]
    assert {"yes", "0755", "012345678901"} <= set(arrived)
    most = 15  # a stack has 500 resources
    for some in (arrived[start : start + most] for start in range(0, len(arrived), most)):
        resources = read(named(some), tmp_path)["Resources"]
        for index, value in enumerate(some):
            found: Any = resources[f"P{index}{resource}"]["Properties"]
            for step in steps:
                found = found[step]
            assert found == value


def test_a_script_arrives_to_the_byte(tmp_path):
    for script in ("#!/bin/sh\necho '#% if' ${x} ${{ y }} {{ z }}\n\n\t- a: b # c\n", "#!/bin/sh\r\nx\r\n", "#!/bin/sh\n\x85\u2028\n"):
        (tmp_path / "script").write_text(script, newline="")
        spec = copy.deepcopy(SPEC)
        spec["pairs"]["gpu"]["launch"]["user_data"] = "script"
        launch = read(spec, tmp_path)["Resources"]["GpuSpotLaunch"]["Properties"]["LaunchTemplateData"]
        assert script in launch["UserData"]["Fn::Base64"]["Fn::Join"][1]


def test_random_templates_read_the_same(tmp_path):
    """The sample that `cargo test` leaves of its random specs."""
    sample = sorted((BINARY.parents[1] / "tmp/random-specs").glob("*.template.yaml"))
    if not sample:
        pytest.skip("`cargo test --test suite random_specs` writes the sample")
    for template in sample:
        assert yaml.load(template.read_text(), YamlOneOne) == json.loads(template.with_suffix(".json").read_text())


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft7Validator:
    printed = subprocess.run([BINARY, "schema"], capture_output=True, text=True, check=True).stdout
    jsonschema.Draft7Validator.check_schema(json.loads(printed))
    return jsonschema.Draft7Validator(json.loads(printed))


def test_the_schema_takes_every_example(schema, tmp_path):
    subprocess.run([BINARY, "init", "--yes"], cwd=tmp_path, check=True, capture_output=True)
    specs = [*REPOSITORY.glob("examples/*.yaml"), tmp_path / "spotstack.yaml"]
    specs += (BINARY.parents[1] / "tmp/random-specs").glob("*.spotstack.yaml")
    assert len(specs) > 5
    for spec in specs:
        assert list(schema.iter_errors(yaml.safe_load(spec.read_text()))) == [], spec


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("spot", "max-price", 0.55),
        ("spot", "max_price", "cheap"),
        ("spot", "headroom", 15),
        ("spot", "window", "1 hour"),
        ("spot", "revert", "never"),
        ("workers", "max", 1.5),
        ("workers", "protect", "maybe"),
        ("launch", "kind", "fleet"),
        ("launch", "volumes", {"device": "/dev/xvda"}),
        ("alarms", "jobs_waiting", 1),
        ("manager", "architecture", "riscv"),
    ],
)
def test_the_schema_refuses_what_spotstack_refuses(schema, section, key, value, tmp_path):
    spec = copy.deepcopy(SPEC)
    spec["pairs"]["gpu"].setdefault(section, {})[key] = value
    assert not takes(spec, tmp_path)
    assert not schema.is_valid(spec)


@pytest.mark.parametrize("section", ["spot", "workers", "alarms", "manager"])
def test_an_empty_section_is_good_to_both(schema, section, tmp_path):
    """All its keys may be commented out."""
    spec = copy.deepcopy(SPEC)
    spec["pairs"]["gpu"][section] = None
    assert takes(spec, tmp_path) and schema.is_valid(spec)
