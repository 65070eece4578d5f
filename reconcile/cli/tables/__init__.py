"""What the command line offers: tables of commands, by theme. Importing them must stay cheap."""
