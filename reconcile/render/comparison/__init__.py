"""What a change of the files does, for people and for programs."""
