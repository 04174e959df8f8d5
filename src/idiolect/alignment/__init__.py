"""Alignment through feedback: at training time and at inference time."""
