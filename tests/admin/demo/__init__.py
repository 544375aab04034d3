"""Tests of admin/demo/."""
