"""The version of the package. The build reads it from here, so it is known where nothing is installed, too."""

VERSION = "0.1.0"
"""The version of this package, according to semantic versioning."""
