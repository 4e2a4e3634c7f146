"""A pytest plugin, loaded before Django's settings are: every test run has a home of its own."""

import atexit
import os
import shutil
import tempfile

os.environ["CITYLOOM_HOME"] = tempfile.mkdtemp(prefix="cityloom-test-")
atexit.register(shutil.rmtree, os.environ["CITYLOOM_HOME"], ignore_errors=True)
