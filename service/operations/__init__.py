"""What operators and their tools ask: alive, ready, metrics."""
