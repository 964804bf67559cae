"""Language models by configuration: what is known of each, and how one is asked."""
