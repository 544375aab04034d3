"""Tests of admin/operations/."""
