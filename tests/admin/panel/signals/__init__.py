"""Tests of admin/panel/signals/."""
