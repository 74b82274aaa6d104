"""Curves as SVG."""

from xml.etree import ElementTree

import pytest

from timbre.models.phase import Phase
from timbre.training.charts import HEIGHT, MOST_POINTS, WIDTH, chart, shown

PHASES = [Phase("first", 600, {}, "best"), Phase("<second>", 400, {}, "last")]


def points(svg: str, kind: str) -> list[tuple[float, ...]]:
    (line,) = ElementTree.fromstring(svg).findall(f"polyline[@class='{kind}']")
    return [tuple(map(float, point.split(","))) for point in line.get("points").split()]


def test_a_curve_lies_within_its_chart_and_rises_upwards():
    svg = chart("loss", [(step, step / 1000) for step in range(0, 1001, 10)], [(1000, 0.5)], PHASES)
    drawn = points(svg, "training")
    assert all(0 <= across <= WIDTH and 0 <= down <= HEIGHT for across, down in drawn)
    assert drawn == sorted(drawn) and drawn[0][1] > drawn[-1][1]
    assert len(ElementTree.fromstring(svg).findall("circle[@class='validation']")) == 1


def test_phases_are_shaded_and_named():
    root = ElementTree.fromstring(chart("loss", [(1, 1.0), (2, 2.0)], [], PHASES))
    first, second = root.findall("rect")
    assert float(first.get("width")) == pytest.approx(1.5 * float(second.get("width")), rel=0.01)
    assert {"first", "<second>"} <= {text.text for text in root.findall("text")}


def test_a_long_curve_is_thinned_to_its_means():
    svg = chart("loss", [(step, float(step % 2)) for step in range(100_000)], [], PHASES)
    assert len(points(svg, "training")) == MOST_POINTS
    assert len(svg) < 10_000


def test_the_label_tells_where_the_curves_ended():
    label = ElementTree.fromstring(chart("a & b", [(10, 3.0)], [(20, 2.5)], PHASES)).get("aria-label")
    assert label == "Curve of a & b: training 3 at step 10, validation 2.5 at step 20"


@pytest.mark.parametrize("values", ([1.0, 1.0], [0.0, 0.0], [-1.0, 2.0], [float("nan"), 1.0], []))
def test_any_values_make_a_chart(values):
    ElementTree.fromstring(chart("loss", list(enumerate(values)), [], PHASES))


def test_what_falls_far_is_drawn_logarithmically():
    assert "logarithmic" in chart("loss", [(1, 100.0), (2, 1.0)], [], PHASES)
    assert "logarithmic" not in chart("loss", [(1, 100.0), (2, 50.0)], [], PHASES)
    assert "logarithmic" not in chart("loss", [(1, 100.0), (2, 0.0)], [], PHASES)


@pytest.mark.parametrize(("value", "text"), ((0.0, "0"), (3.14159, "3.142"), (1e-7, "1.0e-07"), (123456.0, "1.2e+05")))
def test_numbers_are_short(value, text):
    assert shown(value) == text
