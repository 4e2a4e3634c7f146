"""Words of the registers in templates."""

from __future__ import annotations

from django import template

from cityloom.registers import display

register = template.Library()
register.filter("register_word", display.register_word)
