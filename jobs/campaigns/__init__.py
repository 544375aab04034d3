"""Starts, launches, monitors, pauses, resumes and ends campaigns."""
