"""What every process needs: runtime, queues, shutdown, logs, a Redis of our own."""
