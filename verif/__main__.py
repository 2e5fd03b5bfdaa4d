"""`python -m verif` is the `verif` command."""

from verif.cli.app import main

main()
