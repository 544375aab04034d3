"""Tests of admin/panel/inbox/."""
