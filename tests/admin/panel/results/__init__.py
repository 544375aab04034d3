"""Tests of admin/panel/results/."""
