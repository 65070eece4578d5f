"""Values to text. Pure: width, colour, zone and now are parameters; nothing is printed here."""
