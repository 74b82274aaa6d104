"""Templates of a page that lie beside its module, with those that all pages share."""

from __future__ import annotations

from pathlib import Path

import jinja2

SHARED = Path(__file__).parent / "templates"


def environment(folder: Path) -> jinja2.Environment:
    """Where a page's templates come from: a folder, and for what all pages share `timbre/pages/templates`.

    base.css.j2: colours, dark and light, and type. listening.css.j2, player.js.j2: cards whose sounds run together.
    """
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, SHARED]), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
