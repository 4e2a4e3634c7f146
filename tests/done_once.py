"""What would be done again for each test, each browser of Django's and each page, and need be done once."""

from __future__ import annotations

import gc
from typing import Any


def forget_what_was_collected() -> None:
    """Have the garbage collector leave alone what stays to the end: thousands of tests, and all of the libraries."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def read_static_files_once() -> None:
    """Let the middleware of each `Client()` know the files that the first one has found; to look takes 20 ms."""
    from whitenoise.middleware import WhiteNoiseMiddleware

    look, found = WhiteNoiseMiddleware.add_files_from_finders, dict[str, Any]()

    def known(self: WhiteNoiseMiddleware) -> None:
        if not found:
            look(self)
            found.update(self.files)
        self.files.update(found)

    WhiteNoiseMiddleware.add_files_from_finders = known


def keep_no_contexts() -> None:
    """Render pages as they are rendered for users: tests read answers, and nobody `response.context`.

    Django's test environment copies the whole context of each template and each part of one.
    """
    from django.template.base import Template
    from django.test.utils import _TestState

    Template._render = _TestState.saved_data.template_render


def hash_passwords_quickly() -> None:
    """Hashing that is slow on purpose would take most of the time of who signs in; a city's own processes hash well."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
