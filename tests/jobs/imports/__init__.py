"""Tests of jobs/imports/."""
