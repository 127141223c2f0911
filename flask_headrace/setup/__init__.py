"""From settings and the configuration file to providers, fallbacks, stores and schemas."""
