"""Measurements: this tool and others side by side, on inputs that are made here."""
