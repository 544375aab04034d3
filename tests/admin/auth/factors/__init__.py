"""Tests of admin/auth/factors/."""
