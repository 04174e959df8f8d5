"""Alignment at training time: what many people chose, turned into weights.

A method is one file of `methods`. `runs.py` is the frame that all share: data are checked, the cost is estimated, a
training that was stopped goes on to the same digits, nothing half-written is ever read, and a card says what came out.
This file imports nothing, so that the command starts without torch.
"""
