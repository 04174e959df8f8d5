"""Idiolect: any large language model, adapted to each person it serves, inside limits that no preference can move."""
