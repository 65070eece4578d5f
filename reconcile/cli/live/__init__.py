"""Commands that look at the instance: with a token, reads only, and only where asked to."""
