"""Human tasks: what a person is asked, and what they decided."""
