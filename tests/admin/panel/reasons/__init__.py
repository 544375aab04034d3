"""Tests of admin/panel/reasons/."""
