"""Deletes data whose retention time is over, and reads templates and numbers from Meta again."""
