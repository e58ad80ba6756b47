"""/v1/batches: many articles, taken in whole, worked on whatever happens, and given back in input order."""
