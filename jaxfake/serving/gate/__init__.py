"""What every request passes before it reaches the server, and every answer on its way out."""
