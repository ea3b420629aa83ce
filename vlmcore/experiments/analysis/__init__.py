"""Analyses of result files: tables, laws, contrasts and the ledger of headline numbers."""
