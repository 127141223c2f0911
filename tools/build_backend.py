"""The build backend: setuptools', which finds the chat page's libraries fetched.

A wheel and a source distribution are built with them, or not at all, unless HEADRACE_WITHOUT_LIBRARIES is set. An
installation for editing goes on without them where they cannot be fetched. A source distribution brings them along, so
a wheel is built from it without fetching anything.
"""

from __future__ import annotations

import os
import sys
from typing import TypeAlias

import page_libraries
from setuptools import build_meta
from setuptools.build_meta import (
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

Settings: TypeAlias = "dict[str, str | list[str] | None] | None"
"""What a frontend was told of the build; see setuptools."""

VARIABLE = "HEADRACE_WITHOUT_LIBRARIES"


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Settings = None) -> str:
    """Write the metadata of a wheel as setuptools does, with the libraries' licences."""
    require_libraries()
    return build_meta.prepare_metadata_for_build_wheel(metadata_directory, config_settings)


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    """Build a wheel as setuptools does, with the libraries."""
    require_libraries()
    return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """Build a source distribution as setuptools does, with the libraries."""
    require_libraries()
    return build_meta.build_sdist(sdist_directory, config_settings)


def build_editable(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Make an installation for editing as setuptools does, with the libraries if they can be fetched."""
    try:
        page_libraries.install()
    except (page_libraries.LibraryError, OSError) as error:
        print(f"The chat page goes without its libraries: {page_libraries.WITHOUT}. {error}", file=sys.stderr)
    return build_meta.build_editable(wheel_directory, config_settings, metadata_directory)


def require_libraries() -> None:
    """Fetch the libraries.

    Raises:
        SystemExit: they cannot be fetched, and the environment does not say that the build goes without them.

    """
    if os.environ.get(VARIABLE):
        return
    try:
        page_libraries.install()
    except (page_libraries.LibraryError, OSError) as error:
        sys.exit(
            f"The chat page's libraries cannot be had. {error} To build without them, set {VARIABLE}=1: "
            f"{page_libraries.WITHOUT}."
        )
