"""Encoding: a belief becomes numbers inside the model, not words: steering vectors and soft prompts."""
