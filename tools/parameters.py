"""Write docs/parameters.md: what params.yaml may hold, from its schema, its comments and dvc.yaml.

Run it after a change of params.yaml or src/timbre/params.py: `python tools/parameters.py`.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from timbre.params import Params  # noqa: E402

PAGE = ROOT / "docs/parameters.md"
COMMAND = "python tools/parameters.py"
# The longest of these endings that a key has says its unit.
UNITS = {
    "_hz": "Hz", "sample_rate": "Hz", "_db": "dB", "_lufs": "LUFS", "_dbtp": "dBTP", "_dbfs": "dBFS", "_lu": "LU",
    "_samples": "samples", "seconds": "s", "_minutes": "minutes", "_hours": "hours", "_percent": "%", "_gb": "GB",
    "_cents": "cents", "_steps": "steps", "steps": "steps", "_per_minute": "per minute", "_per_second": "per second",
    "batch": "crops",
}  # fmt: skip
# What params.yaml calls a unit, where it says the word.
WORDS = {"s": "seconds", "%": "percent"}
LIMITS = (
    r"(?:at most \d+ of )?(?:over )?-?[\d.]+ to -?[\d.]+(?: characters| names)?|at most \d+ characters|integer >= 0"
)
HEAD = f"""# Parameters

Every key of [params.yaml](../params.yaml). `{COMMAND}` writes this page from the schema
(`src/timbre/params.py`), the comments of params.yaml and dvc.yaml; a test tells when it is no longer what that writes.

`timbre` refuses an unknown key, a value of another type and one beyond its limits before any work starts.
`python -m timbre.params` prints what the chosen model and size come to, `dvc exp run -S KEY=VALUE` tries another value.
The column *runs* names the stages that a change of the key runs anew; what depends on their results follows where these
have changed. `demo` is read by `data/demo/dvc.yaml`, which makes the built-in corpus.
"""


def page() -> str:
    """The text of docs/parameters.md."""
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    values, comments = yaml.safe_load(text), comments_of(text)
    stages = readers_of((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    fields = Params.model_fields
    top = [name for name in fields if not is_section(fields[name].annotation)]
    parts = [HEAD, "## At the top", table(Params, top, values, comments, stages, "")]
    for name, field in fields.items():
        if name in ("sizes", *top):
            continue
        parts += section(field.annotation, name, values[name], comments, stages)
    parts += presets(text, values["sizes"])
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def section(kind: type[BaseModel], name: str, values: dict, comments: dict, stages: dict) -> list[str]:
    """Heading and table of a section, then those of its own sections."""
    inner = [key for key, field in kind.model_fields.items() if is_section(field.annotation)]
    plain = [key for key in kind.model_fields if key not in inner]
    parts = [f"## {name}", *filter(None, [sentence(comments.get(name, ""))])]
    parts.append(table(kind, plain, values, comments, stages, f"{name}."))
    for key in inner:
        parts += section(kind.model_fields[key].annotation, f"{name}.{key}", values[key], comments, stages)
    return parts


def table(kind: type[BaseModel], keys: list[str], values: dict, comments: dict, stages: dict, prefix: str) -> str:
    """A row for each key."""
    rows = ["| key | default | unit | legal | meaning | runs |", "|---|---|---|---|---|---|"]
    for key in keys:
        name, field = prefix + key, kind.model_fields[key]
        whole = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        readers = ", ".join(stage for stage, names in stages.items() if any(reads(each, name) for each in names))
        told = unit(key), legal(whole)
        meaning = without(comments.get(name, ""), *told)
        cells = [f"`{key}`", f"`{written(values[key])}`", *told, meaning, readers]
        rows.append(row(cells))
    return "\n".join(rows)


def presets(text: str, sizes: dict) -> list[str]:
    """What the sizes set, a table for each model with a column for each size that has it."""
    told = text[: text.index("\nsizes:")].rsplit("\n\n", 1)[1]
    lines = [line.removeprefix("# ").removeprefix("#") for line in told.splitlines() if line.startswith("#")]
    parts = [
        "## sizes",
        "`sizes.SIZE.MODEL` holds what a size means for a model; only the chosen one has a say, and a change "
        "of it runs\n`train` anew. What the keys mean, in the words of params.yaml:",
        "```text\n" + "\n".join(lines) + "\n```",
        "\n".join(
            ["| size | for |", "|---|---|", *(row([f"`{name}`", said]) for name, said in for_what(text).items())]
        ),
    ]
    for model in ("ddsp", "rave"):
        names = [name for name in sizes if model in sizes[name]]
        kind = Params.model_fields["sizes"].annotation.model_fields[names[0]].annotation.model_fields[model].annotation
        rows = [f"| key | unit | legal | {' | '.join(f'`{name}`' for name in names)} |"]
        rows.append("|---|---|---|" + "---|" * len(names))
        for key, field in kind.model_fields.items():
            whole = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
            rows.append(
                row([f"`{key}`", unit(key), legal(whole), *(written(sizes[name][model][key]) for name in names)])
            )
        parts += [f"### sizes: {model}", "\n".join(rows)]
    return parts


def row(cells: list[str]) -> str:
    """A row of a table."""
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return re.sub(r" {2,}", " ", f"| {' | '.join(escaped)} |")


def comments_of(text: str) -> dict[str, str]:
    """The comment that stands behind each key of params.yaml, by the key's full name."""
    found, path = {}, []
    for line in text.splitlines():
        match = re.match(r"^( *)([a-z_0-9]+):(.*)$", line)
        if match is None:
            continue
        depth = len(match[1]) // 2
        path = [*path[:depth], match[2]]
        if path[0] == "sizes":
            break
        comment = re.search(r"(?:^|\s)# (.*)$", match[3])
        found[".".join(path)] = comment[1].strip() if comment else ""
    return found


def for_what(text: str) -> dict[str, str]:
    """The comment behind the name of each size."""
    lines = text[text.index("\nsizes:") :].splitlines()
    return {match[1]: match[2].strip() for line in lines if (match := re.match(r"^  ([a-z_]+):\s*#?\s*(.*)$", line))}


def readers_of(text: str) -> dict[str, list[str]]:
    """The keys that each stage of a dvc.yaml reads, as parameters or within the path of a dependency."""
    found = {}
    for name, stage in yaml.safe_load(text)["stages"].items():
        params = stage.get("params", [])
        inside = re.findall(r"\$\{([a-z_.]+)\}", " ".join(stage["deps"] + params))
        found[name] = [*params, *inside]
    return found


def reads(listed: str, name: str) -> bool:
    """Whether a parameter that a stage lists is a key or holds it."""
    return listed == name or name.startswith(f"{listed}.")


def is_section(annotation: Any) -> bool:
    """Whether a field is a section of its own."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def unit(key: str) -> str:
    """The unit of a key, by its ending; empty where it has none."""
    endings = [ending for ending in UNITS if key.endswith(ending)]
    return UNITS[max(endings, key=len)] if endings else ""


def without(comment: str, unit: str, legal: str) -> str:
    """A comment without unit, limits and bare choices, which have columns of their own; whole if it is no more."""
    word, choices = re.escape(WORDS.get(unit, unit)), re.escape(" | ".join(legal.split(", ")))
    told = re.sub(rf"^{word}(?:[,:] |$)", "", comment) if unit else comment
    told = re.sub(rf"(?:, |: |^)(?:(?:{LIMITS})(?=$|[;:]| \()|{choices}(?=$|;))", "", told)
    return re.sub(r"^[;:] ", "", told) or comment


def written(value: Any) -> str:
    """A value as params.yaml has it."""
    if isinstance(value, str):
        return value or '""'
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("\n...\n").strip()


def legal(annotation: Any) -> str:
    """What a field may hold, in words."""
    bounds: dict[str, Any] = {}
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        for entry in metadata:
            for part in [entry, *getattr(entry, "metadata", [])]:
                for name in ("ge", "gt", "le", "lt", "min_length", "max_length", "multiple_of"):
                    if getattr(part, name, None) is not None:
                        bounds[name] = getattr(part, name)
        annotation = inner
    if get_origin(annotation) is Annotated:  # of an alias such as Share
        return legal(annotation)
    if get_origin(annotation) is Literal:
        return ", ".join(str(choice) for choice in get_args(annotation))
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(legal(each) for each in get_args(annotation))
    if get_origin(annotation) is list:
        return f"list{counted(bounds, 'of')} {several(get_args(annotation)[0])}".strip()
    if annotation is bool:
        return "true, false"
    if annotation is str:
        return f"text{counted(bounds, 'characters')}"
    told = limits(bounds)
    return f"whole, {told}" if annotation is int else told


def several(annotation: Any) -> str:
    """What each entry of a list may be."""
    if get_origin(annotation) is Literal:
        choices = get_args(annotation)
        return f"{', '.join(map(str, choices))}" if len(choices) < 12 else "error, never, names of checks"
    return legal(annotation)


def counted(bounds: dict[str, Any], of: str) -> str:
    """How long a text or a list may be."""
    least, most = bounds.get("min_length", 0), bounds.get("max_length")
    if most is None:
        told = f"{least} or more" if least else ""
    else:
        told = f"{least} to {most}" if least else f"at most {most}"
    if of == "of":
        return f", {told}, of" if told else " of"
    return f", {told} {of}" if told else ""


def limits(bounds: dict[str, Any]) -> str:
    """From where to where a number goes."""
    least, most = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
    over, under = "gt" in bounds, "lt" in bounds
    told = ""
    if least is not None and most is not None:
        told = f"{'over ' if over else ''}{number(least)} to {'under ' if under else ''}{number(most)}"
    elif least is not None:
        told = f"over {number(least)}" if over else f"from {number(least)}"
    elif most is not None:
        told = f"{'under' if under else 'to'} {number(most)}"
    return told + (f", a multiple of {bounds['multiple_of']}" if "multiple_of" in bounds else "")


def number(value: float) -> str:
    """A number without a needless point."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}" if value < 1e6 else f"{value:,.0f}"


def sentence(text: str) -> str:
    """A comment as a sentence."""
    return text[:1].upper() + text[1:] + "." if text else ""


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(prog=COMMAND, description=__doc__.splitlines()[0]).parse_args()
    PAGE.write_text(page(), encoding="utf-8")
    print(f"Wrote {PAGE.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
