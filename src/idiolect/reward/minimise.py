"""Minimisers of smooth functions: Newton where the Hessian is small, L-BFGS where it is not, and two for
weights that are held to the simplex or the unit ball.

All are deterministic and start where they are told, so that the same data give the same arrays.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from idiolect.reward.checkpoint import State
from idiolect.schema import Array

Smooth: TypeAlias = Callable[[Array], tuple[float, Array]]  # value and gradient (n,)
Curved: TypeAlias = Callable[[Array], tuple[float, Array, Array]]  # value, gradient (n,) and Hessian (n, n)
Watch: TypeAlias = Callable[[int, Array], bool]  # after each step: its number and the place; True stops

SUFFICIENT = 1e-4  # share of the expected decrease that a step must bring (Nocedal and Wright, 2006, section 3.1)
SMALLEST = 1e-10  # step
ROUNDING = 1e-14  # of a value near 1: a smaller decrease cannot be told


@dataclass
class Newton:
    """Steps to the minimum (n,) of a convex function; one that does not lower it is halved."""

    function: Curved
    place: Array
    tolerance: float = 1e-8
    steps: int = 100
    taken: int = 0
    over: bool = False

    def __post_init__(self) -> None:
        self._now: tuple[float, Array, Array] | None = None

    def step(self) -> bool:
        """Whether there is more to do after this one."""
        if self.over or self.taken >= self.steps:
            return False
        value, gradient, hessian = self._now or self.function(self.place)
        if np.abs(gradient).max(initial=0.0) < self.tolerance:
            return self._ended(self.place)
        step = np.asarray(np.linalg.lstsq(hessian, -gradient, rcond=None)[0])
        if -float(gradient @ step) < ROUNDING * (1 + abs(value)):
            return self._ended(self.place + step)
        size = 1.0
        while (tried := self.function(self.place + size * step))[0] > value + SUFFICIENT * size * float(
            gradient @ step
        ):
            size /= 2
            if size < SMALLEST:
                return self._ended(self.place)
        self.place, self._now, self.taken = self.place + size * step, tried, self.taken + 1
        return True

    def state(self) -> State:
        """The place: what the function says there, it says again."""
        return State({"place": self.place.copy()}, {"taken": self.taken, "over": self.over})

    def resume(self, state: State) -> None:
        """Be there again."""
        self.place, self._now = state.array("place"), None
        self.taken, self.over = int(state.number("taken")), bool(state.numbers["over"])

    def _ended(self, place: Array) -> bool:
        self.place, self.over = place, True
        return False


def newton(function: Curved, start: Array, tolerance: float = 1e-8, steps: int = 100) -> Array:
    """The minimum (n,) of a convex function."""
    search = Newton(function, start, tolerance, steps)
    while search.step():
        pass
    return search.place


@dataclass
class LBFGS:
    """Steps to a minimum (n,) near a place (Nocedal and Wright, 2006, algorithm 7.4, with backtracking).

    Stops at a gradient whose largest entry is below `tolerance`, after `steps`, or when `watch` says so.
    """

    function: Smooth
    place: Array
    tolerance: float = 1e-6
    steps: int = 500
    memory: int = 10
    watch: Watch | None = None
    taken: int = 0
    over: bool = False

    def __post_init__(self) -> None:
        self._past: deque[tuple[Array, Array]] = deque(maxlen=self.memory)
        self._now: tuple[float, Array] | None = None

    def step(self) -> bool:
        """Whether there is more to do after this one."""
        if self.over or self.taken >= self.steps:
            return False
        (value, gradient), past = self._now or self.function(self.place), self._past
        if np.abs(gradient).max(initial=0.0) < self.tolerance:
            return self._ended()
        step = -_inverse_hessian(past, gradient)
        slope = float(gradient @ step)
        if slope >= 0:  # rounding has spoilt the curvature
            past.clear()
            step, slope = -gradient, -float(gradient @ gradient)
        if -slope < ROUNDING * (1 + abs(value)):
            return self._ended()
        size = 1.0 if past else min(1.0, 1.0 / float(np.abs(gradient).sum()))
        while (tried := self.function(self.place + size * step))[0] > value + SUFFICIENT * size * slope:
            size /= 2
            if size < SMALLEST:
                return self._ended()
        if float(size * step @ (tried[1] - gradient)) > 1e-12 * float(gradient @ gradient):
            past.append((size * step, tried[1] - gradient))
        self.place, self._now, self.taken = self.place + size * step, tried, self.taken + 1
        if self.watch is not None and self.watch(self.taken - 1, self.place):
            return self._ended()
        return True

    def state(self) -> State:
        """The place and the last steps: what the function says there, it says again."""
        arrays = {"place": self.place.copy()}
        if self._past:
            arrays |= {"moved": np.stack([moved for moved, _ in self._past])}
            arrays |= {"turned": np.stack([turned for _, turned in self._past])}
        return State(arrays, {"taken": self.taken, "over": self.over})

    def resume(self, state: State) -> None:
        """Be there again."""
        self.place, self._now = state.array("place"), None
        self.taken, self.over = int(state.number("taken")), bool(state.numbers["over"])
        self._past.clear()
        if "moved" in state.arrays:
            both = zip(state.arrays["moved"], state.arrays["turned"], strict=True)
            self._past.extend((moved.copy(), turned.copy()) for moved, turned in both)

    def _ended(self) -> bool:
        self.over = True
        return False


def lbfgs(
    function: Smooth, start: Array, *, tolerance: float = 1e-6, steps: int = 500, watch: Watch | None = None
) -> Array:
    """A minimum (n,) near `start`."""
    search = LBFGS(function, start, tolerance, steps, watch=watch)
    while search.step():
        pass
    return search.place


def on_simplex(function: Curved, start: Array, tolerance: float = 1e-7, steps: int = 80) -> Array:
    """The minimum of a convex function over weights (k,) >= 0 that sum to 1, from a start with no zero.

    The primal-dual interior-point method (Boyd and Vandenberghe, 2004, algorithm 11.2); it ends when the value is
    within `tolerance` of the minimum. Where many places are as low, it ends among them, not at a corner.
    """
    k, w = len(start), start
    _, gradient, hessian = function(w)
    dual = max(float(np.abs(gradient - gradient @ w).mean()), 1e-3) / k / w  # of w >= 0
    level = float((dual - gradient) @ w)  # of sum w = 1
    system = np.ones((k + 1, k + 1))
    system[k, k] = 0.0
    for _ in range(steps):
        gap = float(w @ dual)
        off = gradient + level - dual
        if gap < tolerance and float(np.abs(off).max()) < tolerance:
            break
        aim = 0.1 * gap / k
        system[:k, :k] = hessian
        system[np.arange(k), np.arange(k)] += dual / w
        solved = np.linalg.solve(system, np.append(-(gradient + level - aim / w), 0.0))
        move, lift = solved[:k], float(solved[k])
        turn = (aim - dual * move) / w - dual
        size = min(1.0, 0.99 * _room(w, move), 0.99 * _room(dual, turn))
        far = float(np.linalg.norm(np.append(off, w * dual - aim)))
        while size > SMALLEST:
            place, following = w + size * move, dual + size * turn
            tried = function(place)
            missed = np.append(tried[1] + level + size * lift - following, place * following - aim)
            if float(np.linalg.norm(missed)) <= (1 - 0.01 * size) * far:
                break
            size /= 2
        else:
            break  # rounding
        w, dual, level = place, following, level + size * lift
        _, gradient, hessian = tried
    return np.asarray(w / w.sum())


def _room(place: Array, step: Array) -> float:
    """How many steps until an entry is 0."""
    falling = step < 0
    return float((place[falling] / -step[falling]).min(initial=np.inf))


def in_unit_ball(function: Smooth, start: Array, curvature: float, tolerance: float = 1e-8, steps: int = 2000) -> Array:
    """The minimum of a convex function over |w| <= 1; `curvature` bounds the largest eigenvalue of its Hessian.

    Accelerated projected gradient with restarts (Beck and Teboulle, 2009; O'Donoghue and Candes, 2015).
    """
    place = ahead = start
    momentum = 1.0
    for _ in range(steps):
        moved = ahead - function(ahead)[1] / curvature
        moved = moved / max(1.0, float(np.linalg.norm(moved)))
        if float((ahead - moved) @ (moved - place)) > 0:
            momentum = 1.0
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        if np.abs(moved - place).max(initial=0.0) < tolerance and np.abs(moved - ahead).max(initial=0.0) < tolerance:
            return moved
        ahead = moved + (momentum - 1) / following * (moved - place)
        place, momentum = moved, float(following)
    return place


def _inverse_hessian(past: deque[tuple[Array, Array]], gradient: Array) -> Array:
    """The product of the approximate inverse Hessian with the gradient: the two loops."""
    found, alphas = gradient.copy(), list[float]()
    for moved, turned in reversed(past):
        alphas.append(float(moved @ found) / float(moved @ turned))
        found -= alphas[-1] * turned
    if past:
        moved, turned = past[-1]
        found *= float(moved @ turned) / float(turned @ turned)
    for (moved, turned), alpha in zip(past, reversed(alphas), strict=True):
        found += (alpha - float(turned @ found) / float(moved @ turned)) * moved
    return found
