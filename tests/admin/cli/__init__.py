"""Tests of admin/cli/."""
