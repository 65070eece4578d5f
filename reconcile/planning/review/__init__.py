"""Plans and declarations set side by side, and one item explained."""
