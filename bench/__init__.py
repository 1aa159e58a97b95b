"""Benchmarks against peers: each compares within one run, prints a table for people and JSON for machines."""
