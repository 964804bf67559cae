"""Search: parameters compiled from the R4 definitions, index values, queries as SQL."""
