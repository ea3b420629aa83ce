"""Miniature worlds: procedural images whose content is known exactly, drawn by the thousand in a few seconds, one world a file."""
