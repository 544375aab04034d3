"""Tests of jobs/analytics/."""
