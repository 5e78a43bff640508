"""The API's description as a reader wants it: grouped, with each body's fields in rows. Imports msgspec alone.

What is read here is this application's own description (`description.building`), not any OpenAPI document.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec

DEPTH_LIMIT = 4
# A lower and an upper bound, and what is counted by them.
_BOUNDS = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
    ("minProperties", "maxProperties", " members"),
)
_POWERS = {2**31: "2^31", 2**53: "2^53"}
PRINTABLE = r"^[^\x00-\x1f\x7f]+$"

Node = Mapping[str, Any]


class FieldView(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter, or a field of a body; `depth` says how far inside it is."""

    name: str
    place: str
    depth: int
    kind: str
    limits: list[str]
    required: bool
    about: str


class BodyView(msgspec.Struct, frozen=True, kw_only=True):
    """What a request or an answer carries."""

    media: str
    fields: list[FieldView]
    example: str


class AnswerView(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is no refusal."""

    status: str
    about: str
    bodies: list[BodyView]


class ProblemView(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal."""

    status: str
    code: str
    sentence: str


class OperationView(msgspec.Struct, frozen=True, kw_only=True):
    """One operation with all that is to be known of it."""

    anchor: str
    method: str
    path: str
    summary: str
    about: str
    access: str
    parameters: list[FieldView]
    body: BodyView | None
    answers: list[AnswerView]
    problems: list[ProblemView]


class GroupView(msgspec.Struct, frozen=True, kw_only=True):
    """The operations of one tag."""

    anchor: str
    about: str
    operations: list[OperationView]


def groups_of(schema: Node) -> list[GroupView]:
    """The described API in the order of its tags."""
    reader = _Reader(schema["components"])
    found: list[GroupView] = []
    for tag in schema["tags"]:
        operations = [
            reader.operation(method, path, operation)
            for path, item in schema["paths"].items()
            for method, operation in item.items()
            if tag["name"] in operation["tags"]
        ]
        found.append(GroupView(anchor=tag["name"], about=tag["description"], operations=operations))
    return found


class _Reader:
    """Follows the document's references."""

    def __init__(self, components: Node) -> None:
        self._schemas: Node = components["schemas"]
        self._examples: Node = components["examples"]

    def operation(self, method: str, path: str, told: Node) -> OperationView:
        answers, problems = told["responses"], told["responses"]
        body = told.get("requestBody", {}).get("content", {})
        return OperationView(
            anchor=told["operationId"],
            method=method.upper(),
            path=path,
            summary=told["summary"],
            about=told["description"],
            access=told["x-access"],
            parameters=[self._parameter(each) for each in told.get("parameters", [])],
            body=next((self._body(media, content) for media, content in body.items()), None),
            answers=[
                AnswerView(
                    status=status,
                    about=answer["description"],
                    bodies=[
                        self._body(media, content) for media, content in answer.get("content", {}).items()
                    ],
                )
                for status, answer in answers.items()
                if "application/problem+json" not in answer.get("content", {})
            ],
            problems=[
                ProblemView(status=status, code=code, sentence=self._examples[code]["summary"])
                for status, answer in problems.items()
                for code in answer.get("content", {}).get("application/problem+json", {}).get("examples", {})
            ],
        )

    def _parameter(self, told: Node) -> FieldView:
        schema = self._resolved(told["schema"])
        return FieldView(
            name=told["name"],
            place=told["in"],
            depth=0,
            kind=self._kind(schema),
            limits=_limits(schema),
            required=told.get("required", False),
            about=told.get("description", ""),
        )

    def _body(self, media: str, content: Node) -> BodyView:
        example = content.get("example", "")
        if not isinstance(example, str):
            example = msgspec.json.format(msgspec.json.encode(example), indent=2).decode()
        return BodyView(media=media, fields=list(self._fields(content["schema"], depth=0)), example=example)

    def _fields(self, schema: Node, *, depth: int) -> Iterator[FieldView]:
        """The rows of an object, each followed by those inside it."""
        schema = self._resolved(schema)
        if depth >= DEPTH_LIMIT:
            return
        for choice in schema.get("anyOf", []):
            yield from self._fields(choice, depth=depth)
        for name, told in schema.get("properties", {}).items():
            field = self._resolved(told)
            yield FieldView(
                name=name,
                place="body",
                depth=depth,
                kind=self._kind(field),
                limits=_limits(field),
                required=name in schema.get("required", []),
                about=field.get("description", ""),
            )
            yield from self._fields(field.get("items", field), depth=depth + 1)

    def _resolved(self, schema: Node) -> Node:
        """The schema itself, without references and without the choice to be null, which `_kind` tells."""
        if "$ref" in schema:
            return self._schemas[schema["$ref"].rpartition("/")[2]]
        choices = schema.get("anyOf", [])
        real = [choice for choice in choices if choice.get("type") != "null"]
        if len(real) == 1:
            told = {name: value for name, value in schema.items() if name != "anyOf"}
            return {**self._resolved(real[0]), **told, "x-null": len(choices) > 1}
        return schema

    def _kind(self, schema: Node) -> str:
        if "enum" in schema:
            kind = " | ".join(str(value) for value in schema["enum"])
        elif schema.get("type") == "array":
            kind = f"[{self._kind(self._resolved(schema.get('items', {})))}]"
        elif (
            schema.get("type") == "object"
            and "additionalProperties" in schema
            and not schema.get("properties")
        ):
            inside = schema["additionalProperties"]
            kind = "{name: " + (self._kind(self._resolved(cast("Node", inside))) if inside else "any") + "}"
        else:
            kind = str(schema.get("format") or schema.get("type") or "any")
        return f"{kind} | null" if schema.get("x-null") else kind


def _limits(schema: Node) -> list[str]:
    """What a value has to keep to, in few words: `1 to 10 items`, `> 0`, `default 100`."""
    told = {**schema.get("items", {}), **schema}
    found = [words for low, high, what in _BOUNDS if (words := _between(told.get(low), told.get(high), what))]
    found += [
        f"{sign} {_number(told[name])}"
        for name, sign in (("exclusiveMinimum", ">"), ("exclusiveMaximum", "<"))
        if name in told
    ]
    if "pattern" in told:
        found.append("no control characters" if told["pattern"] == PRINTABLE else told["pattern"])
    if told.get("default") not in (None, "", {}, []):
        found.append("default " + msgspec.json.encode(told["default"]).decode())
    return found


def _between(low: float | None, high: float | None, what: str) -> str:
    if low is not None and high is not None:
        return f"{_number(low)} to {_number(high)}{what}"
    if high is not None:
        return f"at most {_number(high)}{what}"
    return f"at least {_number(low)}{what}" if low is not None else ""


def _number(value: float) -> str:
    return _POWERS.get(int(value), str(value))
