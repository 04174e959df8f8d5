"""A toy world with a known optimum: few words, exact rewards, and so few answers that all of them are counted."""

from idiolect.evaluation.toy.world import TASTES, WORLD, World

__all__ = ["TASTES", "WORLD", "World"]
