"""Workers over one store in virtual time: whatever goes wrong in them is decided by a seed, and comes again with it."""
