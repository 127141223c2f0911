"""The store in Redis or Valkey, for the workers of many machines."""
