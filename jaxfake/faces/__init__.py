"""From a picture or a video to aligned face crops with 68 landmarks."""
