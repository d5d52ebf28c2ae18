"""SHOWN: insights, alerts, notes, reports."""
