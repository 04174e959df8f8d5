"""Preference memory: what happened is kept as events, what is believed is derived from them."""
