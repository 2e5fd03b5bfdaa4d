"""The audit of who decides reference answers: by form, under attack, rules and model and judge side by side."""
