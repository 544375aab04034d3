"""Tests of admin/server/."""
