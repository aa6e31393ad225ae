"""What every command needs from the machine: command line, files, progress, signals and processes."""
