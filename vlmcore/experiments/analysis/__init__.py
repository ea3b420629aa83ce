"""Analyses of result files: tables, laws, contrasts and the ledger of numbers."""
