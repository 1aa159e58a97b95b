"""Requests and answers that come in pieces."""
