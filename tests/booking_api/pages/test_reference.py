"""The reference page: everything of the description, in both languages, and nothing a browser would have to run."""

import re

import pytest

from booking_api.pages.reading import groups_of

SCHEMA = {
    "tags": [{"name": "things", "description": "Things."}],
    "paths": {
        "/things": {
            "post": {
                "operationId": "post_thing",
                "summary": "Make",
                "description": "Makes one.",
                "tags": ["things"],
                "x-access": "clerk",
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/c/s/Thing"}}}},
                "responses": {"201": {"description": "Made."}},
            }
        }
    },
    "components": {
        "examples": {},
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "minLength": 1, "maxLength": 9},
                    "parts": {"type": "array", "items": {"$ref": "#/c/s/Part"}, "maxItems": 3},
                    "kind": {"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}], "default": None},
                    "self": {"anyOf": [{"$ref": "#/c/s/Thing"}, {"type": "null"}]},
                },
            },
            "Part": {
                "type": "object",
                "properties": {"size": {"type": "integer", "exclusiveMinimum": 0, "default": 5}},
            },
        },
    },
}


def test_fields_are_told_with_their_kinds_limits_and_depth_and_recursion_ends():
    [group] = groups_of(SCHEMA)
    fields = group.operations[0].body.fields
    told = [(f.depth, f.name, f.kind, f.limits, f.required) for f in fields[:4]]
    assert told == [
        (0, "name", "string", ["1 to 9 characters"], True),
        (0, "parts", "[object]", ["at most 3 items"], False),
        (1, "size", "integer", ["> 0", "default 5"], False),
        (0, "kind", "a | b | null", [], False),
    ]
    assert max(f.depth for f in fields) == 3


@pytest.mark.parametrize(("lang", "words"), [("en", "Who may call it"), ("zh-CN", "谁可以调用")])
async def test_every_operation_is_shown_in_both_languages(visitor, lang, words):
    answer = await visitor.get(f"/reference?lang={lang}")
    described = (await visitor.get("/api/v1/openapi.json")).json()
    ids = [told["operationId"] for item in described["paths"].values() for told in item.values()]
    assert answer.status_code == 200
    assert sorted(re.findall(r'<article class="operation" id="(\w+)"', answer.text)) == sorted(ids)
    assert answer.text.count(words) == len(ids)
    for told in ("Idempotency-Key", "another_hold", "expires_at_ms", "1 to 10 items"):
        assert told in answer.text


async def test_it_runs_nothing_and_loads_nothing_foreign(visitor):
    answer = await visitor.get("/reference?lang=en")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.text.count("<script") == answer.text.count('<script type="module" src="/static/') == 1
    assert " style=" not in answer.text
    assert re.findall(r'(?:src|href)="(?:https?:)?//', answer.text) == []


async def test_the_live_page_leads_to_it(visitor):
    assert 'href="/reference"' in (await visitor.get("/?lang=en")).text
