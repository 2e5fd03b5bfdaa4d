"""`python -m verif.cli` is the `verif` command."""

from verif.cli.app import main

main()
