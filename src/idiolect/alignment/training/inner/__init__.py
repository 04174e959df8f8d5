"""What computes with torch: imported once torch is known to be there."""
