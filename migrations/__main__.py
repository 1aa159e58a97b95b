"""`python -m migrations`."""

from migrations.cli import main

main()
