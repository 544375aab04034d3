"""Backups: one archive of database and media, made while Hark runs and put back while it does not."""
