"""Tests of admin/panel/contacts/."""
