"""`python -m broker` is `mesh`."""

from broker.cli import main

main()
