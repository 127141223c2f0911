"""The schemas of an OpenAPI document: each has a name of its own, and generators of clients understand it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import jsonschema_rs
import msgspec
import pytest
from msgspec import UNSET, UnsetType

from flask_headrace.blueprints.openapi.document import build_document
from flask_headrace.blueprints.openapi.operation import (
    DONE_FRAME,
    EVENT_STREAM,
    JSON,
    EventStream,
    Frame,
    Operation,
    ResponseSpec,
    schema_name,
)


class Text(msgspec.Struct, tag_field="type", tag="text"):
    """A text."""

    text: str


class Refusal(msgspec.Struct, tag_field="type", tag="refusal"):
    """A refusal of the model."""

    refusal: str


class Other(msgspec.Struct, tag_field="type", tag="other"):
    """Another part."""


class Owner:
    class Refusal(msgspec.Struct):
        """A refusal of this service."""

        code: str

    class Part(msgspec.Struct):
        """Has the name of a union."""


Part = Annotated[Text | Refusal, schema_name("Part")]


class Body(msgspec.Struct):
    """A body.

    Args:
        parts: The parts.
        stream: Whether to stream.
        default: Named like a keyword, as are the next ones.
        last: The last part.
    """

    parts: list[Part]
    stream: bool = True
    model: str | None = None
    stop: tuple[str, ...] = ()
    default: int = 7
    enum: Literal["a", "b"] = "a"
    title: Literal["only"] = "only"
    properties: dict[str, Any] = {}
    items: list[Any] = []
    last: Part | UnsetType = UNSET


def schemas_of(
    content: Any = None, *, body: Any = None, error: Any = None, content_type: str = JSON
) -> dict[str, dict[str, Any]]:
    contents = {content_type: content} if content is not None else {}
    operation = Operation("POST", "/x", "Do it.", (ResponseSpec(200, "", contents),), body=body, error=error)
    found: dict[str, dict[str, Any]] = build_document([operation])["components"]["schemas"]
    return found


def stream(*frames: Frame, name: str = "Any") -> EventStream:
    return EventStream(name, frames)


class TestTwoSchemasOfOneName:
    @pytest.mark.parametrize(
        "given",
        [
            {"body": Refusal, "content": Owner.Refusal},
            {"body": Part, "error": Owner.Refusal},
            {"body": Refusal | Text, "content": list[Owner.Refusal]},
            {"content": (Refusal, Owner.Refusal)},
            {"content": stream(Frame("F", "", (Refusal, Owner.Refusal))), "content_type": EVENT_STREAM},
        ],
    )
    def test_stop_the_build_and_are_named(self, given: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"Several types .* 'Refusal'.*Owner\.Refusal.*Refusal") as raised:
            schemas_of(**given)
        assert "rename" in str(raised.value)

    @pytest.mark.parametrize(
        ("given", "name"),
        [
            ({"body": Part, "content": Owner.Part}, "Part"),
            ({"body": Part, "content": Annotated[Refusal | Other, schema_name("Part")]}, "Part"),
            ({"content": stream(Frame("Body", "", (Body,))), "content_type": EVENT_STREAM}, "Body"),
            ({"content": stream(Frame("F", "", (Text,)), Frame("F", "", (Body,))), "content_type": EVENT_STREAM}, "F"),
            (
                {"content": (stream(DONE_FRAME, Frame("F", "", ())), stream(DONE_FRAME)), "content_type": EVENT_STREAM},
                "Any",
            ),
        ],
    )
    def test_of_unions_and_frames_too(self, given: dict[str, Any], name: str) -> None:
        with pytest.raises(ValueError, match=f"named '{name}': rename"):
            schemas_of(**given)

    def test_are_none_if_they_are_the_same(self) -> None:
        both = stream(DONE_FRAME, Frame("F", "", (Body,))), stream(DONE_FRAME, Frame("F", "", (Body,)))
        assert set(schemas_of(both, content_type=EVENT_STREAM)) == {
            "Text",
            "Refusal",
            "Part",
            "Body",
            "F",
            "DoneFrame",
            "Any",
        }


@pytest.mark.parametrize("path", ["/a/b", "/a_b", "/a/{b}"])
def test_two_operations_of_one_id_stop_the_build(path: str) -> None:
    with pytest.raises(ValueError, match=f"GET /a/b and GET {path}".replace("{", "[{]")):
        build_document([Operation("GET", "/a/b", "Do it.", ()), Operation("GET", path, "Do it.", ())])


class TestASchema:
    def test_requires_no_field_that_has_a_default(self) -> None:
        schema = schemas_of(body=Body)["Body"]
        assert schema["required"] == ["parts"]
        assert not any("default" in field for field in schema["properties"].values())

    def test_tells_the_default_to_people(self) -> None:
        fields = schemas_of(body=Body)["Body"]["properties"]
        assert fields["stream"]["description"] == "Whether to stream. Default: `true`."
        assert fields["default"]["description"] == "Named like a keyword, as are the next ones. Default: `7`."
        assert [name for name in ("model", "stop", "properties", "items") if "description" in fields[name]] == []

    def test_of_a_union_has_its_name_and_each_place_its_meaning(self) -> None:
        schemas = schemas_of(body=Body)
        reference = {"$ref": "#/components/schemas/Part"}
        assert schemas["Body"]["properties"]["parts"]["items"] == reference
        assert schemas["Body"]["properties"]["last"] == {**reference, "description": "The last part."}
        assert [part["$ref"].rpartition("/")[2] for part in schemas["Part"]["anyOf"]] == ["Text", "Refusal"]

    @pytest.mark.parametrize("others", [None, ("search", "fetch")])
    def test_of_an_open_union_has_what_only_providers_send(self, others: tuple[str, ...] | None) -> None:
        schemas = schemas_of(Annotated[Text | Refusal, schema_name("Block", others)])
        assert schemas["Block"]["anyOf"][-1] == {"$ref": "#/components/schemas/ProviderBlock"}
        assert "discriminator" not in schemas["Block"]  # whose mapping would have no place for others
        is_other = jsonschema_rs.validator_for(schemas["ProviderBlock"]).is_valid
        assert is_other({"type": "search", "query": "q"})
        assert is_other({"type": "novel"}) == (others is None)
        assert not any(is_other(value) for value in ({"type": "text"}, {"type": "refusal", "refusal": "No."}, "text"))

    def test_says_what_generators_cannot_infer(self) -> None:
        fields = schemas_of(body=Body)["Body"]["properties"]
        assert fields["properties"] == {"type": "object", "additionalProperties": True}
        assert fields["items"] == {"type": "array", "items": {}}
        assert fields["title"]["const"] == "only"
        assert (fields["enum"]["type"], fields["enum"]["enum"]) == ("string", ["a", "b"])

    def test_of_a_frame_has_the_type_of_its_json(self) -> None:
        frames = stream(
            Frame("F", "A frame.", (Text, Refusal), ("a", "b")), Frame("G", "A frame.", (Body,)), DONE_FRAME
        )
        schemas = schemas_of(frames, content_type=EVENT_STREAM)
        data = schemas["F"]["properties"]["data"]
        assert (data["type"], data["contentMediaType"]) == ("string", JSON)
        assert [part["$ref"].rpartition("/")[2] for part in data["contentSchema"]["anyOf"]] == ["Text", "Refusal"]
        assert schemas["F"]["required"] == ["event", "data"]
        assert schemas["G"]["required"] == ["data"]
        assert schemas["DoneFrame"]["properties"]["data"] == {"const": "[DONE]"}
        assert [kind["$ref"].rpartition("/")[2] for kind in schemas["Any"]["anyOf"]] == ["F", "G", "DoneFrame"]
