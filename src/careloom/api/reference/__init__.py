"""/docs: the API as a page, made from its own OpenAPI document; works without the internet."""
