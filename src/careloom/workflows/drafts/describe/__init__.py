"""A draft from words: by the configured language model, else by a matcher that says so."""
