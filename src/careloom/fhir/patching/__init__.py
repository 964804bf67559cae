"""Changes of a resource as data: JSON Patch and FHIRPath Patch."""
