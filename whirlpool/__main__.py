"""`python -m whirlpool`."""

from whirlpool.cli import main

main()
