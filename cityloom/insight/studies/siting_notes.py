"""What readers of a study of sites have to know."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_noop as _

NOTES: Mapping[str, str] = {
    "bounded": _("This is a good choice, not proved the best: no choice can be better by more than {value} %."),
    "stopped": _("The search ended after {value} seconds by the clock; on a faster machine it may come out otherwise."),
    "sent": _("With capacities people are sent to where there is room so that all ways together are shortest; an "
              "area's people may be divided. People who choose for themselves may go elsewhere."),
    "people_stay": _("People are the same in all periods; give columns people_1, people_2 and so on if they change."),
    "left_out": _("{value} areas with {limit} people that no site can serve are left out."),
    "left": _("{value} people are served by no site."),
}  # fmt: skip
