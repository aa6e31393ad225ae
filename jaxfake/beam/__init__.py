"""Work on many files by Apache Beam, on one machine or many: preparation and detection share it."""
