"""A shop adviser: items ranked by what one person cares about, with reasons. `python -m examples.shop` opens it."""
