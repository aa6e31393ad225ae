"""What else could explain a result, and how far it holds: evidence beside the metrics."""
