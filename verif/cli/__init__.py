"""One module per command of the `verif` program; `app` finds and runs them."""
