"""What every command needs of the machine: the command line, files, progress, signals, processes."""
