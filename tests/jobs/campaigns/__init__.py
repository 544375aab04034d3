"""Tests of jobs/campaigns/."""
