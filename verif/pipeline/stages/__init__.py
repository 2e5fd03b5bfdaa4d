"""The seven stages: recipe in, files out."""
