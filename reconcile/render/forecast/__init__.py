"""A forecast for people, for programs and for calendars."""
