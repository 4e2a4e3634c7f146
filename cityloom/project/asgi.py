"""The web process's application."""

import os
import warnings

from django.core.asgi import get_asgi_application

from cityloom.project.bodies import BoundBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloom.project.settings")
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")  # static files
application = BoundBodies(get_asgi_application())
