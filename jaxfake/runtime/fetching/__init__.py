"""Files and packages from elsewhere, within bounds and checked."""
