"""What is known of source files beside their crops: content, copies of it, and attributes."""
