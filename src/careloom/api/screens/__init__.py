"""The screens that people see: built from web/, served as files."""
