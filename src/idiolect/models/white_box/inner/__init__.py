"""What computes with torch: imported once a model is being opened, so that the core starts without it."""
