"""The published JSON Schemas (draft 2020-12) of everything that is printed as JSON.

Keys may be added within a format version; readers ignore what they do not know.
"""
