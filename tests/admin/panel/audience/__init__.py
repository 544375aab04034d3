"""Tests of admin/panel/audience/."""
