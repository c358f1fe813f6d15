"""openapi_check.py: holds answers of a device against doc/openapi.yaml.

    check("GET", "/v1/status", 200, answer)     raises AssertionError with what is wrong

The path is the one that was asked for, query and all; the body a parsed JSON document, or text
where the description says so. Other tests call it for every answer that they see."""
import functools
import hashlib
import json
import pathlib
import re
from urllib.parse import urlsplit

import jsonschema
import yaml

DESCRIPTION = pathlib.Path(__file__).resolve().parents[2] / "doc/openapi.yaml"
METHODS = ("get", "put", "post", "delete")


class _UniqueLoader(yaml.SafeLoader):
    """YAML as it is, but a key that stands twice is a mistake, and a date is text."""


def _mapping(loader, node, deep=False):
    seen = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=deep)
        assert key not in seen, f"{DESCRIPTION.name}:{key_node.start_mark.line + 1}: '{key}' twice"
        seen.add(key)
    return yaml.SafeLoader.construct_mapping(loader, node, deep)


_UniqueLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


@functools.lru_cache(maxsize=1)
def description():
    with open(DESCRIPTION, encoding="utf-8") as file:
        return yaml.load(file, Loader=_UniqueLoader)


def resolve(node):
    """Follows a $ref of the description; the node itself where there is none."""
    while isinstance(node, dict) and "$ref" in node:
        reference = node["$ref"]
        assert reference.startswith("#/"), f"a reference out of the description: {reference}"
        node = description()
        for part in reference[2:].split("/"):
            assert part in node, f"nothing at {reference}"
            node = node[part]
    return node


def find_path(path):
    """The template of the description that a path fits: literal segments before named ones."""
    segments = urlsplit(path).path.split("/")
    best = None
    for template in description()["paths"]:
        parts = template.split("/")
        if len(parts) != len(segments):
            continue
        if all(p == s or (p.startswith("{") and s != "") for p, s in zip(parts, segments)):
            names = sum(p.startswith("{") for p in parts)
            if best is None or names < best[0]:
                best = (names, template)
    return None if best is None else best[1]


@functools.lru_cache(maxsize=None)
def _validator(pointer):
    """A validator of the schema at a pointer; references in it are looked up in the description."""
    node = description()
    for part in pointer:
        node = resolve(node)[part]
    schema = dict(resolve(node))
    resolver = jsonschema.RefResolver("", description())
    return jsonschema.Draft202012Validator(schema, resolver=resolver)


def _complain(errors, where):
    error = jsonschema.exceptions.best_match(errors)
    if error is None:
        return
    at = "/".join(str(part) for part in error.absolute_path)
    raise AssertionError(f"{where}: at '{at}': {error.message}"[:2000])


_sound = set()  # the answers that were checked: digests


def check(method, path, status, body):
    """Who waits hears the same again and again, and to check it costs more than to answer it."""
    answer = json.dumps([method, path, status, body]).encode()
    digest = hashlib.blake2b(answer, digest_size=16).digest()
    if digest not in _sound:
        _check(method, path, status, body)
        _sound.add(digest)


def _check(method, path, status, body):
    where = f"{method} {path} -> {status}"
    template = find_path(path)
    if template is None:
        # What is not described must be refused as everything else is.
        assert status in (400, 401, 404), f"{where}: the path is not described"
        check_schema("Error", (body or {}).get("error"), where)
        return
    operation = description()["paths"][template].get(method.lower())
    if operation is None:
        assert status == 405, f"{where}: the method is not described"
        check_schema("Error", (body or {}).get("error"), where)
        return
    responses = operation["responses"]
    key = str(status) if str(status) in responses else "default"
    assert key != "default" or status >= 400, f"{where}: the status is not described"
    content = resolve(responses[key])["content"]
    kind = next(iter(content))
    if kind != "application/json":
        assert isinstance(body, str), f"{where}: {kind} is text"
        return
    pointer = ("paths", template, method.lower(), "responses", key, "content", kind, "schema")
    _complain(_validator(pointer).iter_errors(body), where)


def check_schema(name, document, where=""):
    """A document against one schema by name: a line of the event stream is an Event."""
    validator = _validator(("components", "schemas", name))
    _complain(validator.iter_errors(document), where or name)


def references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def operations():
    """(template, method, operation, parameters of path and operation)"""
    for template, item in description()["paths"].items():
        for method in METHODS:
            if method in item:
                parameters = [resolve(p) for p in item.get("parameters", [])]
                parameters += [resolve(p) for p in item[method].get("parameters", [])]
                yield template, method, item[method], parameters


def names_in(template):
    return re.findall(r"{(\w+)}", template)
