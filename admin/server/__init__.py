"""flask up and its processes, web server, health, metrics."""
