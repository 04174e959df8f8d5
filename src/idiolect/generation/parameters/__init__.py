"""Parameters: what is believed of a person becomes a low-rank change of the model's weights (LoRA)."""
