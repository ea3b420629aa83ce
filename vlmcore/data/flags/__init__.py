"""Flags and their countries: images and facts that nobody made for this book."""
