"""Tests of admin/panel/campaigns/."""
