"""openapi_test.py: doc/openapi.yaml is sound, whole, and describes the routes that there are; and
the check that other tests use does refuse what is not described."""
import re

import jsonschema
import pytest

import openapi_check as api
from openapi_check import description, operations, references, resolve

ROOT = api.DESCRIPTION.parents[1]


def test_head():
    assert re.fullmatch(r"3\.1\.\d+", description()["openapi"])
    assert {"title", "version", "description", "license"} <= set(description()["info"])
    meson = (ROOT / "meson.build").read_text()
    assert f"version: '{description()['info']['version']}'" in meson


def test_every_operation_is_described():
    seen = set()
    tags = {tag["name"] for tag in description()["tags"]}
    for template, method, operation, _ in operations():
        where = f"{method} {template}"
        assert re.fullmatch(r"[a-z][A-Za-z]+", operation["operationId"]), where
        assert operation["operationId"] not in seen, where
        seen.add(operation["operationId"])
        assert operation["summary"], where
        assert operation["tags"] and set(operation["tags"]) <= tags, where
    assert len(seen) > 20


def test_every_answer_is_described():
    for template, method, operation, _ in operations():
        where = f"{method} {template}"
        responses = operation["responses"]
        assert any(code.startswith("2") for code in responses), where
        assert responses["default"] == {"$ref": "#/components/responses/Error"}, where
        for code, response in responses.items():
            response = resolve(response)
            assert response["description"], where
            for content in response["content"].values():
                assert "schema" in content, f"{where} {code}"


def test_parameters_of_paths():
    for template, method, _, parameters in operations():
        where = f"{method} {template}"
        in_path = [p["name"] for p in parameters if p["in"] == "path"]
        assert sorted(in_path) == sorted(api.names_in(template)), where
        assert all(p["required"] is True for p in parameters if p["in"] == "path"), where
        assert all("schema" in p for p in parameters), where
        names = [(p["in"], p["name"]) for p in parameters]
        assert len(names) == len(set(names)), where


def test_references_lead_somewhere_and_everything_is_used():
    used = set()
    for reference in references(description()):
        resolve({"$ref": reference})
        used.add(reference)
    for kind, things in description()["components"].items():
        for name in things:
            if kind == "securitySchemes":
                assert any(name in entry for entry in description()["security"])
            else:
                assert f"#/components/{kind}/{name}" in used, f"nothing uses {kind}/{name}"


def schemas(node, at=""):
    """Every schema in the description, with where it stands."""
    if isinstance(node, list):
        for index, value in enumerate(node):
            yield from schemas(value, f"{at}/{index}")
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "schema":
                yield f"{at}/schema", value
            else:
                yield from schemas(value, f"{at}/{key}")


def test_schemas_are_schemas():
    every = list(schemas(description()["paths"])) + list(schemas(description()["components"]))
    every += list(description()["components"]["schemas"].items())
    for where, schema in every:
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            pytest.fail(f"{where}: {error.message}")


def required_members(schema):
    yield schema.get("required", []), schema
    for key in ("properties", "items", "allOf", "oneOf"):
        inner = schema.get(key)
        inner = inner.values() if isinstance(inner, dict) and key == "properties" else inner
        for value in inner if not isinstance(inner, dict) and inner else [inner] if inner else []:
            if isinstance(value, dict):
                yield from required_members(value)


def test_what_is_required_is_described():
    for name, schema in description()["components"]["schemas"].items():
        for required, owner in required_members(schema):
            assert set(required) <= set(owner.get("properties", {})), name


def routes():
    text = (ROOT / "src/admin/admin.c").read_text()
    return set(re.findall(r'{HTTP_(\w+), "([^"]+)"', text))


def test_routes_and_description_agree():
    described = {(method.upper(), template) for template, method, _, _ in operations()}
    assert described == routes()


def test_codes_agree_with_the_table():
    text = (ROOT / "src/base/error.h").read_text()
    codes = dict(re.findall(r"X\((\w+), (?:true|false), (\d+),", text))
    codes.pop("OK")
    schema = description()["components"]["schemas"]["Error"]
    assert set(schema["properties"]["code"]["enum"]) == set(codes)
    answer = description()["components"]["responses"]["Error"]["description"]
    told = " ".join(answer.split())
    for code, status in codes.items():
        assert re.search(rf"\b{code}\b[^0-9]*\b{status}\b", told), f"{code} {status}"


def test_states_agree_with_the_table():
    text = (ROOT / "src/epoch/epoch.h").read_text()
    table = text[text.index("#define EPOCH_STATES"):text.index("enum epoch_state {")]
    states = set(re.findall(r'X\(\w+, "(\w+)"\)', table))
    epoch = description()["components"]["schemas"]["EpochBase"]
    assert set(epoch["properties"]["state"]["enum"]) == states


EVENT = {"sequence": 1, "time_us": "17", "severity": "notice", "name": "policy.applied",
         "text": "", "commands": []}


def test_check_takes_what_is_described():
    api.check("GET", "/live", 200, {"live": True})
    api.check("GET", "/metrics", 200, "coeval_x 1\n")
    api.check("GET", "/v1/events?after=3", 200, {"events": [EVENT]})
    api.check("GET", "/v1/policies/none", 404, {"error": {"code": "NOT_FOUND", "message": "x"}})
    api.check("GET", "/v1/nothing", 404, {"error": {"code": "NOT_FOUND", "message": "x"}})
    api.check("PUT", "/v1/status", 405, {"error": {"code": "INVALID", "message": "x"}})
    api.check_schema("Event", EVENT)


@pytest.mark.parametrize("method, path, status, body", [
    ("GET", "/live", 200, {"live": False}),
    ("GET", "/live", 200, {"live": True, "more": 1}),
    ("GET", "/live", 201, {"live": True}),
    ("GET", "/live", 200, None),
    ("GET", "/metrics", 200, {"text": 1}),
    ("GET", "/v1/events", 200, {"events": [dict(EVENT, severity="loud")]}),
    ("GET", "/v1/events", 200, {"events": [dict(EVENT, unknown=1)]}),
    ("GET", "/v1/events", 200, [EVENT]),
    ("GET", "/v1/policies/none", 404, {"error": {"code": "GONE", "message": "x"}}),
    ("GET", "/v1/policies/none", 404, {"error": "x"}),
    ("GET", "/v1/nothing", 200, {}),
    ("PUT", "/v1/status", 200, {}),
])
def test_check_refuses_what_is_not_described(method, path, status, body):
    with pytest.raises(AssertionError):
        api.check(method, path, status, body)


def test_literal_segments_come_first():
    assert api.find_path("/v1/services/a/epochs/1/verify").endswith("/verify")
    assert api.find_path("/v1/services/a/epochs/1/abandon").endswith("/{verb}")
    assert api.find_path("/v1/events/stream?after=1") == "/v1/events/stream"
    assert api.find_path("/v1/policies/") is None
