"""Other people's formats: what was resolved or built, as documents for the programs that run microVMs."""
