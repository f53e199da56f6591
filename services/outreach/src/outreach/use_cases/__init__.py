"""The steps of collection, one file each; the README lists them in order."""
