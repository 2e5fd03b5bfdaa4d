"""What a recipe needs before it runs: resources, memory, time, and what is missing. Nothing is started here."""
