"""The store in an SQLite file, for the workers of one machine."""
