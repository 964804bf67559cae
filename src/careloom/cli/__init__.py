"""The command line: `careloom --help`."""
