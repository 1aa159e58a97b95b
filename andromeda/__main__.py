"""`python -m andromeda`."""

from andromeda.cli import main

main()
