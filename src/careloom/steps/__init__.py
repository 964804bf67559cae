"""Step types, one folder each: step.py, schema.json and README.md. catalog.py lists them."""
