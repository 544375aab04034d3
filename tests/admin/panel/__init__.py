"""Tests of admin/panel/."""
