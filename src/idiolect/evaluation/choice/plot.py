"""Accuracy against the number of choices, as an SVG that needs no library: a line a method, named at its end."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from idiolect.errors import DataError
from idiolect.evaluation.choice.figures import REFERENCES
from idiolect.evaluation.protocol import Figure

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 56, 172, 44, 48
LEAST_APART = 14.0  # pixels between two names
COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#76b7b2", "#9c755f", "#edc948", "#ff9da7", "#86bcb6", "#79706e")
FOREMOST = "#c0392b"  # the default's
STYLE = "font-family: system-ui, sans-serif; font-size: 12px; fill: #333"


@dataclass(frozen=True)
class Line:
    """One method's accuracy by stage."""

    name: str
    figures: Mapping[int, Figure]


@dataclass(frozen=True)
class Scale:
    """Where a number of choices and an accuracy lie, in pixels. Choices stand at log(1 + n)."""

    most: int
    low: float
    high: float

    def x(self, choices: float) -> float:
        """From left to right."""
        return LEFT + (WIDTH - LEFT - RIGHT) * float(np.log1p(choices) / np.log1p(self.most))

    def y(self, accuracy: float) -> float:
        """From top to bottom."""
        return TOP + (HEIGHT - TOP - BOTTOM) * (self.high - accuracy) / (self.high - self.low)


def drawn(metrics: Mapping[str, Figure], default: str) -> str:
    """The picture of a report's figures for people and prompts that no method has met."""
    lines = _lines(metrics)
    if default not in [line.name for line in lines]:
        raise DataError(f"the report has no accuracy of {default!r} after several numbers of choices: nothing to draw")
    stages = sorted({stage for line in lines for stage in line.figures})
    values = [figure.value for line in lines for figure in line.figures.values()]
    scale = Scale(stages[-1], np.floor(min(values) * 20) / 20, np.ceil(max(values) * 20) / 20)
    others = sorted((line for line in lines if line.name != default), key=lambda line: -_end(line).value)
    colours = {line.name: COLOURS[at % len(COLOURS)] for at, line in enumerate(others)}
    parts = [*_axes(scale, stages), _band(scale, next(line for line in lines if line.name == default))]
    parts += [_path(scale, line, colours[line.name], line.name in REFERENCES) for line in others]
    parts += [_path(scale, line, FOREMOST, dashed=False, width=3.0) for line in lines if line.name == default]
    parts += _names(scale, lines, {**colours, default: FOREMOST})
    title = "Accuracy on the next choice, people and prompts that no method has met"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n'
        f'<text x="{LEFT}" y="24" style="{STYLE}; font-weight: 600; font-size: 14px">{title}</text>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _lines(metrics: Mapping[str, Figure]) -> list[Line]:
    found: dict[str, dict[int, Figure]] = defaultdict(dict)
    for name, figure in metrics.items():
        method, _, measure = name.partition("/")
        if measure.startswith("accuracy@"):
            found[method][int(measure.removeprefix("accuracy@"))] = figure
    most = max(map(len, found.values()), default=0)  # references stand at one, and judges are asked at few
    return [Line(method, dict(sorted(own.items()))) for method, own in found.items() if len(own) == most > 1]


def _end(line: Line) -> Figure:
    return line.figures[max(line.figures)]


def _axes(scale: Scale, stages: Sequence[int]) -> list[str]:
    bottom, right = scale.y(scale.low), WIDTH - RIGHT
    parts = []
    for percent in range(round(scale.low * 100), round(scale.high * 100) + 1, 5):
        y = scale.y(percent / 100)
        parts.append(f'<line x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e5e5e5"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" style="{STYLE}">{percent} %</text>')
    parts += [
        f'<text x="{scale.x(stage):.1f}" y="{bottom + 18:.1f}" text-anchor="middle" style="{STYLE}">{stage}</text>'
        for stage in stages
    ]
    middle = (LEFT + right) / 2
    parts.append(
        f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle" style="{STYLE}">choices of a person</text>'
    )
    return parts


def _band(scale: Scale, line: Line) -> str:
    """The interval around the default."""
    there = [f"{scale.x(stage):.1f},{scale.y(figure.high):.1f}" for stage, figure in line.figures.items()]
    back = [f"{scale.x(stage):.1f},{scale.y(figure.low):.1f}" for stage, figure in list(line.figures.items())[::-1]]
    return f'<polygon points="{" ".join([*there, *back])}" fill="{FOREMOST}" opacity="0.12"/>'


def _path(scale: Scale, line: Line, colour: str, dashed: bool, width: float = 1.5) -> str:
    points = " ".join(f"{scale.x(stage):.1f},{scale.y(figure.value):.1f}" for stage, figure in line.figures.items())
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"{dashes}/>'


def _names(scale: Scale, lines: Sequence[Line], colours: Mapping[str, str]) -> list[str]:
    """At the ends of the lines, moved apart where they would lie on each other."""
    ordered, parts, last = sorted(lines, key=lambda line: -_end(line).value), [], -np.inf
    room = HEIGHT - BOTTOM
    for at, line in enumerate(ordered):
        lowest = room - LEAST_APART * (len(ordered) - 1 - at)  # all that follow must find a place above the axis
        last = max(last + LEAST_APART, min(scale.y(_end(line).value), lowest))
        words = f"{escape(line.name)} {100 * _end(line).value:.1f}"
        weight = "; font-weight: 600" if colours[line.name] == FOREMOST else ""
        style = f"{STYLE}; fill: {colours[line.name]}{weight}"
        parts.append(f'<text x="{WIDTH - RIGHT + 8}" y="{last + 4:.1f}" style="{style}">{words}</text>')
    return parts
