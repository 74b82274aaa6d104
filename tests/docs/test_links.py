"""Links between the pages, and what the pages name in code, exist."""

import re

import pytest
import yaml
from support.documents import PAGES, ROOT, anchors, links, prose, spans

IDS = [page.name for page in PAGES]
# What the pages name and no checkout has.
ELSEWHERE = {
    "docs/browser/onnxruntime-web/": "what the reader downloads",
    "src/timbre/models/squeeze/": "the model that docs/extending.md adds",
}
KEEPS = ("src/", "docs/", "tests/", "tools/", "benchmarks/", "stages/", ".github/", ".ci/")
FILES = (".json", ".csv", ".py", ".mdb", ".html")
MADE = ("data/", "models/", "reports/")


def exists(name: str) -> bool:
    name = name.rstrip("/")
    return bool(list(ROOT.glob(name))) if "*" in name else (ROOT / name).exists()


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page):
    for target in links(page):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        assert there.exists(), f"{page.name}: {target}: no such file"
        assert there.is_relative_to(ROOT), f"{page.name}: {target} leaves the repository"
        if anchor:
            assert anchor in anchors(there), f"{page.name}: {target}: no such heading"


def test_every_page_is_in_the_list_of_the_readme():
    listed = prose(PAGES[0]).partition("\n## Documentation\n")[2].partition("\n## ")[0]
    pages = re.findall(r"^\| \[[^\]]+\]\(docs/([\w.]+)\) \|", listed, re.MULTILINE)
    assert sorted(pages) == IDS[1:]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_files_that_are_named_exist(page):
    outs = {str(out) for stage in stages("dvc.yaml", "data/demo/dvc.yaml") for out in stage.get("outs", [])}
    for span in spans(page):
        name = span.split("#")[0]
        if " " in name or "(" in name or "{" in name or name.startswith(tuple(ELSEWHERE)):
            continue
        if name.startswith(KEEPS):
            assert exists(name), f"{page.name}: `{name}` is not in the repository"
        elif name.startswith(MADE) and "raw" not in name:
            whole = name.rstrip("/")
            known = (
                exists(name)
                or exists(f"src/timbre/{name}")
                or any(whole == out or whole.startswith(out + "/") for out in outs)
                or whole in MADE
            )
            assert known or any(out.startswith(whole) for out in outs), f"{page.name}: no stage makes `{name}`"


def stages(*files: str) -> list[dict]:
    return [stage for file in files for stage in yaml.safe_load((ROOT / file).read_text())["stages"].values()]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_variables_and_parameters_that_are_named_exist(page):
    sources = "\n".join(
        path.read_text(encoding="utf-8") for top in ("src", "tests") for path in (ROOT / top).rglob("*.py")
    )
    for variable in set(re.findall(r"\bTIMBRE_[A-Z_]+", page.read_text(encoding="utf-8"))):
        assert f'{variable}"' in sources, f"{page.name}: nothing reads {variable}"
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    sections = "|".join(name for name, value in params.items() if isinstance(value, dict))
    for span in spans(page):
        match = re.match(rf"((?:{sections})\.[a-z_0-9.]+[a-z_0-9])(?:[:=]|$)", span)
        if match is None or match[1].endswith(FILES):
            continue
        place = params
        for part in match[1].split("."):
            assert isinstance(place, dict) and part in place, f"{page.name}: params.yaml has no `{match[1]}`"
            place = place[part]
