"""Structured answers: JSON Schemas, and validation in a process that can be ended."""
