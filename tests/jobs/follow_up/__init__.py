"""Tests of jobs/follow_up/."""
