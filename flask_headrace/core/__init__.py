"""Values and pure functions that all other packages share: events, errors, SSE, usage, prices, JSON documents."""
