"""Minimisers of smooth functions: Newton where the Hessian is small, L-BFGS where it is not, and two for
weights that are held to the simplex or the unit ball.

All are deterministic and start where they are told, so that the same data give the same arrays.
"""

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from idiolect.schema import Array

Smooth: TypeAlias = Callable[[Array], tuple[float, Array]]  # value and gradient (n,)
Curved: TypeAlias = Callable[[Array], tuple[float, Array, Array]]  # value, gradient (n,) and Hessian (n, n)
Watch: TypeAlias = Callable[[int, Array], bool]  # after each step: its number and the place; True stops

SUFFICIENT = 1e-4  # share of the expected decrease that a step must bring (Nocedal and Wright, 2006, section 3.1)
SMALLEST = 1e-10  # step
ROUNDING = 1e-14  # of a value near 1: a smaller decrease cannot be told


def newton(function: Curved, start: Array, tolerance: float = 1e-8, steps: int = 100) -> Array:
    """The minimum (n,) of a convex function; a step that does not lower it is halved."""
    place, (value, gradient, hessian) = start, function(start)
    for _ in range(steps):
        if np.abs(gradient).max(initial=0.0) < tolerance:
            break
        step = np.asarray(np.linalg.lstsq(hessian, -gradient, rcond=None)[0])
        if -float(gradient @ step) < ROUNDING * (1 + abs(value)):
            return place + step
        size = 1.0
        while (tried := function(place + size * step))[0] > value + SUFFICIENT * size * float(gradient @ step):
            size /= 2
            if size < SMALLEST:
                return place
        place, (value, gradient, hessian) = place + size * step, tried
    return place


def lbfgs(
    function: Smooth,
    start: Array,
    *,
    tolerance: float = 1e-6,
    steps: int = 500,
    memory: int = 10,
    watch: Watch | None = None,
) -> Array:
    """A minimum (n,) near `start` (Nocedal and Wright, 2006, algorithm 7.4, with backtracking).

    Stops at a gradient whose largest entry is below `tolerance`, after `steps`, or when `watch` says so.
    """
    place, (value, gradient) = start, function(start)
    past: deque[tuple[Array, Array]] = deque(maxlen=memory)
    for number in range(steps):
        if np.abs(gradient).max(initial=0.0) < tolerance:
            break
        step = -_inverse_hessian(past, gradient)
        slope = float(gradient @ step)
        if slope >= 0:  # rounding has spoilt the curvature
            past.clear()
            step, slope = -gradient, -float(gradient @ gradient)
        if -slope < ROUNDING * (1 + abs(value)):
            break
        size = 1.0 if past else min(1.0, 1.0 / float(np.abs(gradient).sum()))
        while (tried := function(place + size * step))[0] > value + SUFFICIENT * size * slope:
            size /= 2
            if size < SMALLEST:
                return place
        if float(size * step @ (tried[1] - gradient)) > 1e-12 * float(gradient @ gradient):
            past.append((size * step, tried[1] - gradient))
        place, (value, gradient) = place + size * step, tried
        if watch is not None and watch(number, place):
            break
    return place


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
