"""`python -m messier`."""

from messier.cli import main

main()
