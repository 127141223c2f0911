"""One file for each protocol that a reader may speak: pure functions from events to bytes."""
