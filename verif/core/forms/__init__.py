"""The forms that rows have elsewhere, one family a file: each is read into an instruction and its responses."""
