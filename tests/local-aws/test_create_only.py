"""What replaces a resource, as spotstack knows it, against the resource types' own schemas (those that cfn-lint carries)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

REPOSITORY = Path(__file__).resolve().parents[2]
KNOWN = json.loads((REPOSITORY / "src/template/diff/create-only.json").read_text())


def _names(schema: dict, key: str) -> list[str]:
    return sorted(pointer.removeprefix("/properties/") for pointer in schema.get(key, []))


@pytest.mark.parametrize("resource_type", sorted(KNOWN))
def test_the_table_is_what_the_schema_says(resource_type):
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema
    always, maybe = _names(schema, "createOnlyProperties"), _names(schema, "conditionalCreateOnlyProperties")
    assert KNOWN[resource_type] == {"always": always, "maybe": maybe}


def test_every_type_that_is_rendered_is_in_the_table():
    goldens = (REPOSITORY / "tests/golden").glob("*.template.yaml")
    rendered = {name for golden in goldens for name in re.findall(r"^    Type: (AWS::\S+)$", golden.read_text(), re.M)}
    assert rendered and rendered <= set(KNOWN)
