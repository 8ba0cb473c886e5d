"""One module per model family; every module here that does not start with an underscore is found by itself."""
