"""What a call promises and what it may cost, one policy a file."""
