"""What a live look found, for people and for programs."""
