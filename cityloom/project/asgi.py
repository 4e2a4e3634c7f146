"""The web process's application."""

import os
import warnings

import django

from cityloom.project.bodies import BoundBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloom.project.settings")
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")  # static files
django.setup(set_prefix=False)

from cityloom.project import pages  # noqa: E402 - Django's models must be there

pages.stay_connected()
application = BoundBodies(pages.Pages())
