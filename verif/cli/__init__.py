"""One module per command of the `verif` program."""

from verif.cli.app import main
