"""Answers that are kept: keys, stores, and who computes."""
