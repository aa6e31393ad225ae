"""What a run is: its folder, its identity, its objects, and the job that trains and evaluates it."""
