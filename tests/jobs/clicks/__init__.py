"""Tests of jobs/clicks/."""
