"""Fitted boosters read into `Boosted`: each library against its own predictions."""
