"""The road core measured beside its peers: one module per question, one table for all."""
