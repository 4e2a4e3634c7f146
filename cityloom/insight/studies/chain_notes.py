"""What readers of a chain from people to sites have to know."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_noop as _

NOTES: Mapping[str, str] = {
    "same_futures": _("{value} futures were drawn once, with the people, and carried through all links: the interval "
                      "of a later link holds the uncertainty of all earlier ones."),
    "chain_simple": _("What is simplified: people of the ages need the service at one rate for the whole city; who "
                      "moves within the city because of a new site is not foreseen; roads and capacities stay as they "
                      "are; sites are chosen for the expected pattern of demand, at the total that was planned for, "
                      "and then looked at in every future."),
    "chain_bound": _("The sites are a good choice, not proved the best: none can be better by more than {value} %."),
}  # fmt: skip
