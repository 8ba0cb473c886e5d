"""One module per model family; modules without a leading underscore are found by themselves."""
