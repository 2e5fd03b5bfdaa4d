"""One module per command of the `verif` program; each is imported only when it is used."""
