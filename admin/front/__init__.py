"""The front server: takes webhooks itself on an event loop, and passes everything else to the panel's process."""
