"""Random changes of a training face that leave its label true."""
