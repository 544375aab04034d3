"""Tests of admin/operations/exports/."""
