"""The base of every process: runtime, queues and wake-ups, shutdown, logs, and a Redis server that Hark runs itself."""
