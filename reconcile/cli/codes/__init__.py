"""Explanations of every diagnostic code, a module a theme; `config` explains its own."""
