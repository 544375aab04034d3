"""Imports files of contacts, lists and orders: upload store, reader, staging, chunked run, rejects."""
