"""Inference-time alignment: what is done while an answer is written or chosen."""
