"""`GET /swagger/v1/swagger.json`: what the gateway says of itself, made of the endpoints and of the structs they use.

Names of operations are the gateway's (those of `Order/searchById` and `Order/v2/query` are not known: unverified);
names of definitions are ours.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, get_args

import msgspec
from msgspec import UnsetType, inspect

from tradeconsole.emulator.bodies import Int32
from tradeconsole.emulator.http import Endpoint, NoBody

PATH: Final = "/swagger/v1/swagger.json"

_JSON: Final = ["application/json", "text/json", "application/*+json"]
_ENVELOPE: Final = {"success": bool, "errorCode": Int32, "errorMessage": str}
_PROBLEM: Final = {"type": str, "title": str, "status": Int32, "detail": str, "instance": str}

Schema = dict[str, Any]


class Description:
    """The document, and the definitions that it has come to need."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._definitions: dict[str, Schema] = {}
        paths = {
            endpoint.path: {endpoint.method.lower(): self._operation(endpoint)} for endpoint in endpoints
        }
        self.document: Final[Schema] = {
            "swagger": "2.0",
            "info": {"title": "ProjectX Gateway API", "version": "1.0.0"},
            "paths": paths,
            "definitions": self._definitions,
        }

    def _operation(self, endpoint: Endpoint) -> Schema:
        group, name = endpoint.operation.split("_")
        operation: Schema = {"tags": [group], "operationId": endpoint.operation}
        if endpoint.shape is not NoBody:
            reference = self._reference(f"{name}Request", endpoint.shape)
            operation["consumes"] = _JSON
            operation["parameters"] = [
                {"name": "request", "in": "body", "required": True, "schema": reference}
            ]
        if endpoint.payload is None:
            answer: Schema = {"type": "string"}
        else:
            members = {**endpoint.payload, **_ENVELOPE}
            # what an envelope carries is null in a failure, and its message in a success
            optional = {*endpoint.payload, "errorMessage"}
            answer = self._defined(f"{name}Response", members, optional)
        operation["produces"] = ["text/plain", "application/json", "text/json"]
        operation["responses"] = {"200": {"description": "", "schema": answer}}
        if endpoint.declares_problems:
            problem = self._defined("ProblemDetails", _PROBLEM, set(_PROBLEM))
            self._definitions["ProblemDetails"]["additionalProperties"] = {}
            operation["responses"]["400"] = {"description": "", "schema": problem}
        return operation

    def _defined(self, name: str, members: Mapping[str, Any], optional: set[str]) -> Schema:
        properties = {key: self._schema(inspect.type_info(kind)) for key, kind in members.items()}
        for key in optional:
            properties[key] = _nullable(properties[key])
        required = [key for key in members if key not in optional]
        definition = {"type": "object", "required": required, "properties": properties}
        self._definitions[name] = {key: value for key, value in definition.items() if value}
        return {"$ref": f"#/definitions/{name}"}

    def _reference(self, name: str, struct: type[msgspec.Struct]) -> Schema:
        """A struct as a definition; what may be left out is what has a default, or is no key at all at times."""
        if name not in self._definitions:
            self._definitions[name] = {}
            fields = msgspec.structs.fields(struct)
            kinds = {field.encode_name: inspect.type_info(field.type) for field in fields}
            required = [
                field.encode_name
                for field in fields
                if field.required and UnsetType not in get_args(field.type)
            ]
            definition: Schema = {"type": "object"}
            if required:
                definition["required"] = required
            definition["properties"] = {key: self._schema(kind) for key, kind in kinds.items()}
            self._definitions[name] = definition
        return {"$ref": f"#/definitions/{name}"}

    def _schema(self, kind: inspect.Type) -> Schema:
        match kind:
            case inspect.Metadata(type=inner, extra_json_schema=extra):
                return {**self._schema(inner), **(extra or {})}
            case inspect.UnionType(types=options):
                schema = self._schema(
                    next(each for each in options if not isinstance(each, inspect.NoneType))
                )
                return (
                    _nullable(schema)
                    if any(isinstance(each, inspect.NoneType) for each in options)
                    else schema
                )
            case inspect.StructType(cls=struct):
                return self._reference(struct.__name__.removeprefix("Wire"), struct)
            case inspect.ListType(item_type=item):
                return {"type": "array", "items": self._schema(item)}
            case inspect.IntType(le=most):
                return {"type": "integer", "format": "int64" if most is None or most > 2**31 else "int32"}
            case _:
                return dict(_SCALARS[type(kind)])


_SCALARS: Final[Mapping[type[inspect.Type], Schema]] = {
    inspect.BoolType: {"type": "boolean"},
    inspect.StrType: {"type": "string"},
    inspect.DecimalType: {"type": "number", "format": "decimal"},
    inspect.DateTimeType: {"type": "string", "format": "date-time"},
    inspect.RawType: {},
}


def _nullable(schema: Schema) -> Schema:
    """A schema of what may be null; beside a reference other members count for nothing."""
    return {"allOf": [schema], "x-nullable": True} if "$ref" in schema else {**schema, "x-nullable": True}
