"""Parameters and other nested values of several revisions, where they differ."""

from __future__ import annotations

from collections.abc import Iterable

ABSENT = "\u2013"


def differing(contents: list[dict]) -> list[tuple[str, list[str]]]:
    """(key, values) of nested dictionaries, where the values are not all the same; a dash where one lacks the key."""
    flattened = [dict(flat(content)) for content in contents]
    keys = list(dict.fromkeys(key for each in flattened for key in each))
    rows = [(key, [told(each[key]) if key in each else ABSENT for each in flattened]) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def with_preset(params: dict) -> dict:
    """params.yaml with the chosen preset in place of all of them, so that a size shows what it stands for."""
    size, model = str(params.get("size")), str(params.get("model"))
    preset = params.get("sizes", {}).get(size, {}).get(model, {})
    return {key: value for key, value in params.items() if key != "sizes"} | {"preset": preset}


def told(value: object) -> str:
    """A parameter as params.yaml has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(told(item) for item in value)}]"
    return "null" if value is None else str(value)


def flat(content: dict, before: str = "") -> Iterable[tuple[str, object]]:
    """Keys, joined by dots, and values of nested dictionaries."""
    for key, value in content.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
