"""The upstreams: from an SDK's request to typed events. This room knows no flask, no sessions and no readers."""
