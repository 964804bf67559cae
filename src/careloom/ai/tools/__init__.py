"""What a worker may use: toolsets, each with its configuration, functions and rights."""
