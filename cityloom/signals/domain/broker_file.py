"""A file that names a broker and what goes over it: read safely, and held against its schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import yaml

from cityloom.kernel.refused import Refused

LARGEST_BYTES = 256 * 1024


def read(text: str, schema: Mapping[str, Any], wrong: Callable[[str], Refused]) -> Any:
    """What the file says, where it fits; `wrong` makes a refusal of the words for what does not.

    Raises: what `wrong` makes.
    """
    from jsonschema import Draft202012Validator  # takes a while to import

    says = _document(text, wrong)
    errors = sorted(Draft202012Validator(schema).iter_errors(says), key=lambda one: list(map(str, one.path)))
    if errors:
        where = ".".join(map(str, errors[0].absolute_path)) or "it"
        raise wrong(f"{where}: {errors[0].message}"[:300])
    return says


def _document(text: str, wrong: Callable[[str], Refused]) -> Any:
    if len(text.encode(errors="replace")) > LARGEST_BYTES:
        raise wrong("it is too large")
    try:
        if any(isinstance(token, (yaml.AliasToken, yaml.AnchorToken)) for token in yaml.scan(text)):
            raise wrong("it uses anchors")
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise wrong(f"line {mark.line + 1 if mark else 1} is no YAML") from error
