"""Several models that stand in for each other: retries, circuit breakers, and continued answers."""
