"""Tests of admin/auth/sso/."""
