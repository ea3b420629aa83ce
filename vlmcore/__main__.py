"""Lets `python -m vlmcore` do what the command `vlmcore` does."""

from vlmcore.cli import app

if __name__ == "__main__":
    app(prog_name="vlmcore")
