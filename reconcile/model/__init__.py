"""The nouns: frozen values that every room shares and none owns. Imports nothing of ours."""
