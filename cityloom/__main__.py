"""`python -m cityloom`."""

from cityloom.project.console import main

main()
