"""JSON Schemas of the very types that decode and encode, for the documents that describe the wires."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from hubbub.core import answers

Schema = dict[str, Any]


class Schemas:
    """The schemas of all types, without the tag that `core` gives its own."""

    def __init__(self, types: Sequence[type]) -> None:
        refs, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
        self.components: dict[str, Schema] = components
        self._refs = dict(zip(types, refs, strict=True))
        for kind in types:
            if issubclass(kind, msgspec.Struct) and kind.__struct_config__.tag is not None:
                schema = self.of(kind)
                del schema["properties"]["type"]
                schema["required"].remove("type")
        if answers.RoomLeft in types:
            for only_text in ("current", "members"):
                del self.of(answers.RoomLeft)["properties"][only_text]

    def ref(self, kind: type) -> Schema:
        """A reference; for Raw the schema that everything fits."""
        return self._refs[kind]

    def of(self, kind: type) -> Schema:
        """The schema itself."""
        found = self.ref(kind)
        return self.components[found["$ref"].rpartition("/")[2]] if "$ref" in found else found


def object_of(properties: Schema, optional: Iterable[str] = ()) -> Schema:
    """The schema of an object with these members."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in set(optional)],
    }


def one_of(schemas: list[Schema]) -> Schema:
    """The schema of what fits one of these."""
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
